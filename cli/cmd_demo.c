/* SPDX-License-Identifier: Apache-2.0
 * cmd_demo.c - genops demo: real HTTP calls through a real gateway to a simulated provider, one for each thing that governance does.
 *
 * Without --gateway it stands a gateway of its own up, on free ports and a state directory that is removed at the end.
 */
#include "command.h"
#include "demo_config.h"
#include "gateway/gateway_process.h"
#include "http_call.h"

#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALL_MS  15000

struct demo_options {
	const char *gateway;
};

static const struct command_option options[] = {
    {"gateway", 'g', OPTION_TEXT, offsetof(struct demo_options, gateway), "URL",
	"a gateway that runs already (genops serve --demo), like http://127.0.0.1:4319; give its --state too"},
    {0},
};

/* --- calls --- */

static const char *teaching(const struct http_answer *answer, char *out, size_t size)
{
	/* The refusal's message, out of {"error":{"message":"..."}}; good enough for showing. */
	static const char key[] = "\"message\":\"";
	const char *from = answer->body ? strstr(answer->body, key) : NULL;
	size_t n = 0;
	if (!from)
		return "";
	for (from += sizeof key - 1; *from && *from != '"' && n < size - 1; from++) {
		if (*from == '\\' && from[1])
			from++;
		out[n++] = *from;
	}
	out[n] = '\0';
	return out;
}

struct call {
	const char *title, *model, *prompt, *header;
	int max_tokens;
};

/* Returns the HTTP status. */
static int make(const char *gateway, const struct call *call)
{
	char url[512], body[1024], text[1024];
	const char *headers[] = {"Authorization: Bearer demo", call->header, NULL};
	struct http_answer answer;
	struct timespec from, to;
	snprintf(url, sizeof url, "%s/simulated/v1/chat/completions", gateway);
	snprintf(body, sizeof body, "{\"model\":\"%s\",\"max_tokens\":%d,\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}",
	    call->model, call->max_tokens, call->prompt);
	clock_gettime(CLOCK_MONOTONIC, &from);
	http_call(url, headers, body, CALL_MS, &answer);
	clock_gettime(CLOCK_MONOTONIC, &to);
	double ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
	if (!answer.status)
		printf("%-34s no answer: %s\n", call->title, answer.failure);
	else
		printf("%-34s %d %-12s %7.1f ms  %s\n", call->title, answer.status, answer.decision, ms,
		    answer.status == 200 ? "" : teaching(&answer, text, sizeof text));
	fflush(stdout);
	int status = answer.status;
	http_answer_done(&answer);
	return status;
}

/* Returns whether everything went as the demonstration's configuration says it must. */
static bool show(const char *gateway)
{
	static const struct call allowed = {"an ordinary call", "gpt-4o-mini", "Hello", NULL, 20};
	static const struct call warned = {"a prompt that is worth a warning", "gpt-4o-mini", "Improve this draft", NULL, 20};
	static const struct call chatty = {"one of four calls at once", "gpt-4o-mini", "Hi", "x-genops-feature: chatty", 5};
	static const struct call secret = {"a prompt with a secret", "gpt-4o-mini", "Translate this confidential text", NULL, 20};
	static const struct call model = {"a model that is not allowed", "gpt-4", "Hello", NULL, 20};
	static const struct call costly = {"a call of customer acme", "gpt-4o", "Write me an essay", "x-genops-customer-id: acme", 256};
	bool is_right = make(gateway, &allowed) == 200;
	is_right &= make(gateway, &warned) == 200;
	for (int i = 0; i < 4; i++)
		make(gateway, &chatty);
	is_right &= make(gateway, &secret) == 403;
	is_right &= make(gateway, &model) == 403;
	int status = 200;
	for (int i = 0; i < 8 && status == 200; i++)
		status = make(gateway, &costly);
	return is_right && status == 429;
}

/* --- what the other commands say --- */

static void run_self(const char *command, const char *state_dir, const char *config_file)
{
	printf("\n$ genops %s%s\n", command, !strcmp(command, "cost") ? " --by model" : "");
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (!strcmp(command, "cost"))
			execl("/proc/self/exe", "genops", "--state", state_dir, "--config", config_file, command, "--by", "model",
			    (char *)NULL);
		execl("/proc/self/exe", "genops", "--state", state_dir, "--config", config_file, command, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

/* --- a gateway of its own --- */

static bool write_config(const char *path)
{
	FILE *file = fopen(path, "w");
	bool is_written = file && fputs(demo_config, file) >= 0;
	return file && fclose(file) == 0 && is_written;
}

static int alone(const struct invocation *invocation)
{
	char dir[] = "/tmp/genops-demo-XXXXXX", state[64], config[64], base[64];
	struct invocation own = *invocation;
	struct gateway_start start = {.engine = &own.engine, .any_port = true, .workers = 1, .has_simulated = true};
	struct gateway_process process;
	struct genops_error err;
	int code = EXIT_DONE;
	if (!mkdtemp(dir))
		return complain_text(EXIT_FAILED, "cannot make a folder in /tmp");
	snprintf(state, sizeof state, "%s/state", dir);
	snprintf(config, sizeof config, "%s/genops.yaml", dir);
	own.engine.state_dir = state;
	own.engine.config_file = config;
	if (!write_config(config))
		return complain_text(EXIT_FAILED, "cannot write %s", config);
	if (gateway_start(&start, &process, &err) != GENOPS_OK) {
		nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
		return complain(&err);
	}
	genops_engine *engine = open_engine(&own, &code);
	snprintf(base, sizeof base, "http://127.0.0.1:%d", process.port);
	if (engine && gateway_wait_until_ready(&process, base)) {
		if (!show(base))
			code = EXIT_FAILED;
		run_self("cost", state, config);
		run_self("budget", state, config);
	} else if (engine) {
		gateway_explain(&process);
		code = complain_text(EXIT_FAILED, "the gateway did not become ready");
	}
	gateway_stop(&process, 2000);
	genops_engine_close(engine);
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return code;
}

static int beside(const struct invocation *invocation, const char *gateway)
{
	char dir[] = "/tmp/genops-demo-XXXXXX", config[64];
	if (!invocation->engine.state_dir)
		return complain_text(EXIT_WRONG_USE, "--gateway wants --state too: the state directory of that gateway");
	if (!gateway_wait_until_ready(NULL, gateway))
		return complain_text(EXIT_FAILED, "no gateway is ready at %s; start one with genops serve --demo", gateway);
	int code = show(gateway) ? EXIT_DONE : EXIT_FAILED;
	if (!mkdtemp(dir))
		return complain_text(EXIT_FAILED, "cannot make a folder in /tmp");
	snprintf(config, sizeof config, "%s/genops.yaml", dir);
	setenv("GENOPS_SIMULATED_PORT", "1", 0); /* the commands below call nobody */
	if (write_config(config)) {
		run_self("cost", invocation->engine.state_dir, config);
		run_self("budget", invocation->engine.state_dir, config);
	}
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return code;
}

static int run(const struct invocation *invocation)
{
	const struct demo_options *chosen = invocation->options;
	printf("Real calls through the gateway to a SIMULATED provider: no AI is called, no money is spent.\n\n");
	fflush(stdout);
	return chosen->gateway ? beside(invocation, chosen->gateway) : alone(invocation);
}

const struct command command_demo = {
    .name = "demo",
    .summary = "see governance at work, without network or key",
    .usage = "[--gateway URL --state DIR]",
    .details = "Shows an allowed, a warned, a rate-limited, a content-blocked and a model-blocked call, and a budget that runs\n"
	       "out, then what `genops cost` and `genops budget` say of them. Exit code 1 if something was not as it should be.",
    .options = options,
    .options_size = sizeof(struct demo_options),
    .max_arguments = 0,
    .run = run,
};
