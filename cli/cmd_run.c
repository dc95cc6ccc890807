/* SPDX-License-Identifier: Apache-2.0
 * cmd_run.c - genops run -- COMMAND...: a program governed as it is, through a gateway of its own.
 *
 * The gateway listens on free ports of 127.0.0.1 and shares the state directory with every other one, so budgets hold across
 * them. The child gets the base-URL variables of every SDK and keeps its terminal, its signals and its exit code. Its calls
 * carry the attribute run_id, by which the summary finds them.
 */
#include "command.h"
#include "gateway/gateway_process.h"

#include <genops/report.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS         5000
#define FLUSH_MS         10000
#define EXIT_NOT_FOUND   127
#define EXIT_NOT_STARTED 126

struct run_options {
	const char *team, *project, *log;
	bool as_json;
};

static const struct command_option options[] = {
    {"team", 't', OPTION_TEXT, offsetof(struct run_options, team), "NAME", "attribute team of its calls"},
    {"project", 'p', OPTION_TEXT, offsetof(struct run_options, project), "NAME", "attribute project of its calls"},
    {"log", 0, OPTION_TEXT, offsetof(struct run_options, log), "FILE", "append what the gateway logs to this file"},
    {"json", 0, OPTION_FLAG, offsetof(struct run_options, as_json), NULL, "print the summary as JSON, on standard error"},
    {0},
};

static volatile sig_atomic_t child_pid;

static void pass_on(int number)
{
	if (child_pid > 0)
		kill((pid_t)child_pid, number);
}

/* --- before --- */

static void new_run_id(char *out, size_t size)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(out, size, "%lld-%d", (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, (int)getpid());
}

/* What the user's own variables say becomes where the gateway forwards to: OPENAI_BASE_URL stays meaningful. */
static void keep_own_base_url(const struct genops_gateway_provider *provider, const char *value)
{
	char name[96] = "GENOPS_", url[1024];
	size_t n = strlen(name), len = strlen(value), suffix = strlen(provider->base_url_suffix);
	for (const char *c = provider->name; *c && n < sizeof name - 16; c++)
		name[n++] = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c == '-' || *c == '.' ? '_' : *c);
	snprintf(name + n, sizeof name - n, "_BASE_URL");
	while (len && value[len - 1] == '/')
		len--;
	if (suffix && len > suffix && !strncmp(value + len - suffix, provider->base_url_suffix, suffix))
		len -= suffix;
	snprintf(url, sizeof url, "%.*s", (int)len, value);
	setenv(name, url, 0);
}

static int adopt_base_urls(const struct invocation *invocation, struct genops_error *err)
{
	struct genops_gateway *gateway = genops_gateway_load(&invocation->engine, err);
	if (!gateway)
		return err->code;
	for (size_t i = 0; i < gateway->n_providers; i++) {
		const struct genops_gateway_provider *provider = &gateway->providers[i];
		for (const char *const *variable = provider->base_url_variables; *variable; variable++) {
			const char *value = getenv(*variable);
			if (value && value[0])
				keep_own_base_url(provider, value);
		}
	}
	genops_gateway_free(gateway);
	return GENOPS_OK;
}

/* For the child only. */
static void point_sdks(const struct gateway_process *process)
{
	char url[256];
	for (size_t i = 0; i < process->gateway->n_providers; i++) {
		const struct genops_gateway_provider *provider = &process->gateway->providers[i];
		snprintf(url, sizeof url, "http://127.0.0.1:%d/%s%s", process->port, provider->name, provider->base_url_suffix);
		for (const char *const *variable = provider->base_url_variables; *variable; variable++)
			setenv(*variable, url, 1);
	}
	snprintf(url, sizeof url, "http://127.0.0.1:%d", process->port);
	setenv("GENOPS_GATEWAY_URL", url, 1);
}

/* --- the child --- */

static int start_child(const struct invocation *invocation, const struct gateway_process *process)
{
	sigset_t all, before;
	/* A signal that comes before the child's number is known waits for it. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid_t pid = fork();
	if (pid == 0) {
		sigset_t none;
		sigemptyset(&none);
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		signal(SIGPIPE, SIG_DFL);
		sigprocmask(SIG_SETMASK, &none, NULL);
		point_sdks(process);
		execvp(invocation->arguments[0], invocation->arguments);
		fprintf(stderr, "genops: cannot run %s: %s\n", invocation->arguments[0], strerror(errno));
		_exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_STARTED);
	}
	child_pid = pid;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid < 0 ? complain_text(EXIT_FAILED, "cannot start a process: %s", strerror(errno)) : -1;
}

static int wait_for_child(void)
{
	int status;
	while (waitpid((pid_t)child_pid, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_FAILED;
	}
	child_pid = 0; /* the number may soon be somebody else's */
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void forward_signals(void)
{
	struct sigaction pass = {.sa_handler = pass_on};
	/* A Ctrl-C reaches the child from the terminal itself; this process only outlives it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	sigaction(SIGTERM, &pass, NULL);
	sigaction(SIGHUP, &pass, NULL);
	sigaction(SIGUSR1, &pass, NULL);
	sigaction(SIGUSR2, &pass, NULL);
}

/* --- after --- */

/* The child has ended: signals are for this process again. One cuts off calls that run on without the child, which its own children may
 * have begun; a further one ends this process as it ends any other: whatever is not told yet is in the state directory. */
static void stop_gateway(struct gateway_process *process)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGQUIT};
	sigset_t hurry, before;
	sigemptyset(&hurry);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		sigaddset(&hurry, numbers[i]);
	sigprocmask(SIG_BLOCK, &hurry, &before);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		signal(numbers[i], SIG_DFL);
	enum gateway_quit how = gateway_quit(process, GRACE_MS, &hurry);
	gateway_stop(process, how == GATEWAY_HAS_QUIT ? GRACE_MS : 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void print_summary(const struct invocation *invocation, genops_engine *engine, const char *run_id, time_t began)
{
	const struct run_options *chosen = invocation->options;
	struct genops_report_filter filter = {GENOPS_STR("run_id"), genops_str_of(run_id)};
	struct genops_cost_query query = {.size = sizeof query, .where = &filter, .n_where = 1, .since_unix_s = began};
	struct genops_cost_report *report;
	struct genops_error err;
	if (genops_report_cost(engine, &query, &report, &err) != GENOPS_OK) {
		complain(&err);
		return;
	}
	const struct genops_cost_line *total = &report->total;
	if (chosen->as_json)
		fprintf(stderr,
		    "{\"run_id\":\"%s\",\"operations\":%lld,\"refused\":%lld,\"cost_nano_usd\":%lld,\"input_tokens\":%lld,\"output_tokens\":%lld}\n",
		    run_id, (long long)total->operations, (long long)total->refused, (long long)total->cost_nano_usd,
		    (long long)total->input_tokens, (long long)total->output_tokens);
	else
		fprintf(stderr, "genops: %lld calls, %lld refused, $%.6f, %lld tokens in, %lld out\n", (long long)total->operations,
		    (long long)total->refused, (double)total->cost_nano_usd / 1e9, (long long)total->input_tokens,
		    (long long)total->output_tokens);
	genops_report_cost_free(report);
}

static int govern(const struct invocation *invocation, genops_engine *engine, const char *run_id)
{
	const struct run_options *chosen = invocation->options;
	struct gateway_start start = {
	    .engine = &invocation->engine, .any_port = true, .workers = 1, .log_file = chosen->log ? chosen->log : "/dev/null"};
	struct gateway_process process;
	struct genops_error err;
	time_t began = time(NULL);
	if (invocation->is_verbose && !chosen->log)
		start.log_file = NULL;
	if (gateway_start(&start, &process, &err) != GENOPS_OK)
		return complain(&err);
	forward_signals();
	int code = start_child(invocation, &process);
	if (code < 0)
		code = wait_for_child();
	stop_gateway(&process);
	if (genops_engine_flush(engine, FLUSH_MS, &err) != GENOPS_OK && !invocation->is_quiet)
		complain(&err);
	if (!invocation->is_quiet)
		print_summary(invocation, engine, run_id, began);
	return code;
}

static int run(const struct invocation *invocation)
{
	const struct run_options *chosen = invocation->options;
	struct genops_error err;
	char run_id[64];
	int code = EXIT_DONE;
	new_run_id(run_id, sizeof run_id);
	setenv("GENOPS_RUN_ID", run_id, 1);
	if (chosen->team)
		setenv("GENOPS_TEAM", chosen->team, 1);
	if (chosen->project)
		setenv("GENOPS_PROJECT", chosen->project, 1);
	if (adopt_base_urls(invocation, &err) != GENOPS_OK)
		return complain(&err);
	genops_engine *engine = open_engine(invocation, &code);
	if (!engine)
		return code;
	code = govern(invocation, engine, run_id);
	genops_engine_close(engine);
	return code;
}

const struct command command_run = {
    .name = "run",
    .summary = "run a program with its AI calls governed, unchanged",
    .usage = "[--team NAME] [--project NAME] -- COMMAND [ARGUMENT]...",
    .details = "Sets OPENAI_BASE_URL, ANTHROPIC_BASE_URL and the like to a gateway of its own, runs COMMAND, and ends with\n"
	       "what it called and cost. The exit code is the command's (126, 127: it could not be started; 128+n: signal n).\n\n"
	       "  genops run --team search -- python app.py",
    .options = options,
    .options_size = sizeof(struct run_options),
    .takes_rest = true,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run,
};
