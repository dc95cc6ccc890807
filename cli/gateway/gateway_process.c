/* SPDX-License-Identifier: Apache-2.0
 * gateway_process.c - see gateway_process.h.
 *
 * The listening sockets are bound by this process and inherited by nginx (variable NGINX), so ports can be picked freely and
 * clients may connect before nginx is up. nginx gets SIGQUIT when this process dies, whatever killed it: no gateway is left
 * behind that nobody drains.
 */
#include "gateway/gateway_process.h"

#include "gateway/gateway_conf.h"
#include "gateway/gateway_listen.h"
#include "http_call.h"
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_WITHIN_MS 10000
#define FILES_WANTED    65536 /* two for each connection, and some */

/* --- finding what is needed --- */

static bool is_executable(const char *path)
{
	struct stat status; /* a folder called nginx may stand in a PATH too: this project's own does */
	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static bool find_in_path(const char *name, char *ret_path, size_t size)
{
	static const char *const more[] = {"/usr/sbin", "/usr/local/sbin", "/usr/local/nginx/sbin", "/opt/nginx/sbin"};
	char *path = strdup(getenv("PATH") ? getenv("PATH") : "");
	char *rest = path, *dir;
	bool is_found = false;
	while (!is_found && path && (dir = strsep(&rest, ":"))) {
		snprintf(ret_path, size, "%s/%s", dir, name);
		is_found = dir[0] && is_executable(ret_path);
	}
	free(path);
	for (size_t i = 0; !is_found && i < sizeof more / sizeof more[0]; i++) {
		snprintf(ret_path, size, "%s/%s", more[i], name);
		is_found = is_executable(ret_path);
	}
	return is_found;
}

int gateway_find_nginx(char *ret_nginx, char *ret_module, size_t size, struct genops_error *err)
{
	const char *nginx = getenv("GENOPS_NGINX"), *module = getenv("GENOPS_NGINX_MODULE");
	if (nginx)
		snprintf(ret_nginx, size, "%s", nginx);
	if (nginx ? !is_executable(nginx) : !find_in_path("nginx", ret_nginx, size))
		return gateway_fail(err, GENOPS_NOT_FOUND, "install it (Debian: apt-get install nginx-core) or set GENOPS_NGINX to its path",
		    "nginx, which carries the gateway's connections, was not found%s%s", nginx ? " at " : "", nginx ? nginx : "");
	if (module)
		snprintf(ret_module, size, "%s", module);
	else if (!place_find_module(ret_module, size))
		ret_module[0] = '\0';
	if (!ret_module[0] || access(ret_module, R_OK) != 0)
		return gateway_fail(err, GENOPS_NOT_FOUND, "build it (make build) or set GENOPS_NGINX_MODULE to its path",
		    "the nginx module of GenOps (ngx_http_genops_module.so) was not found%s%s", module ? " at " : "",
		    module ? module : "");
	return GENOPS_OK;
}

static void find_trusted_ca(char *ret_path, size_t size)
{
	static const char *const places[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
	    "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem"};
	const char *own = getenv("SSL_CERT_FILE");
	snprintf(ret_path, size, "%s", own && access(own, R_OK) == 0 ? own : "");
	for (size_t i = 0; !ret_path[0] && i < sizeof places / sizeof places[0]; i++) {
		if (access(places[i], R_OK) == 0)
			snprintf(ret_path, size, "%s", places[i]);
	}
}

/* --- nginx --- */

static int write_file(const char *path, const char *text, struct genops_error *err)
{
	FILE *file = text ? fopen(path, "w") : NULL;
	bool is_written = file && fputs(text, file) >= 0;
	if (file && fclose(file) != 0)
		is_written = false;
	if (!is_written)
		return gateway_fail(err, GENOPS_IO, "free some space there or set TMPDIR", "cannot write %s: %s", path, strerror(errno));
	return GENOPS_OK;
}

/* A configuration that is no file becomes one, for the workers. */
static int keep_config(struct gateway_process *process, const char *text, struct genops_error *err)
{
	snprintf(process->config_file, sizeof process->config_file, "%s/genops.yaml", process->run_dir);
	return write_file(process->config_file, text, err);
}

static int write_conf(struct gateway_process *process, struct genops_error *err)
{
	struct gateway_place place = {
	    .run_dir = process->run_dir,
	    .module = process->module,
	    .trusted_ca = process->trusted_ca,
	    .config_file = process->config_file[0] ? process->config_file : process->gateway->config_file,
	    .port = process->port,
	    .h2c_port = process->h2c_port,
	    .listener_ports = process->listener_ports,
	    .simulated_port = process->simulated_port,
	    .log_level = "warn",
	};
	char path[512];
	free(process->conf);
	process->conf = gateway_conf_text(process->gateway, &place);
	snprintf(path, sizeof path, "%s/nginx.conf", process->run_dir);
	return write_file(path, process->conf, err);
}

/* A user's soft limit is 1024 by default, too few for a gateway; the hard one may be used without asking anybody. */
static void allow_files(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= FILES_WANTED)
		return;
	files.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

/* nginx takes the sockets over by their numbers. */
static void inherit(const struct gateway_process *process)
{
	char *list = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&list, &len);
	for (size_t i = 0; out && i < process->n_sockets; i++)
		fprintf(out, "%d;", process->sockets[i]);
	if (out && fclose(out) == 0)
		setenv("NGINX", list, 1);
	free(list);
}

static void become_nginx(struct gateway_process *process, const char *log_file)
{
	char conf[512], start_log[512];
	sigset_t none;
	inherit(process);
	snprintf(conf, sizeof conf, "%s/nginx.conf", process->run_dir);
	snprintf(start_log, sizeof start_log, "%s/start.log", process->run_dir);
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
	allow_files();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A group of its own: a Ctrl-C at the terminal is for genops, which ends nginx in order. */
	setpgid(0, 0);
	int log = log_file ? open(log_file, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
	if (log >= 0)
		dup2(log, STDERR_FILENO);
	int nothing = open("/dev/null", O_RDWR);
	if (nothing >= 0) {
		dup2(nothing, STDIN_FILENO);
		dup2(nothing, STDOUT_FILENO);
	}
	execl(process->nginx, "nginx", "-p", process->run_dir, "-e", start_log, "-c", conf, (char *)NULL);
	dprintf(STDERR_FILENO, "genops: %s cannot be started: %s\n", process->nginx, strerror(errno));
	_exit(127);
}

static int make_run_dir(struct gateway_process *process, struct genops_error *err)
{
	const char *base = getenv("TMPDIR");
	snprintf(process->run_dir, sizeof process->run_dir, "%s/genops-XXXXXX", base && base[0] ? base : "/tmp");
	if (!mkdtemp(process->run_dir)) {
		int code = gateway_fail(err, GENOPS_IO, "set TMPDIR to a folder that can be written", "cannot make %s: %s", process->run_dir,
		    strerror(errno));
		process->run_dir[0] = '\0';
		return code;
	}
	return GENOPS_OK;
}

static int prepare(const struct gateway_start *start, struct gateway_process *process, struct genops_error *err)
{
	int code = gateway_listen_simulated(start, process, err);
	if (code != GENOPS_OK)
		return code;
	process->gateway = genops_gateway_load(start->engine, err);
	if (!process->gateway)
		return err->code;
	if (start->workers)
		process->gateway->workers = start->workers;
	code = gateway_find_nginx(process->nginx, process->module, sizeof process->nginx, err);
	if (code == GENOPS_OK)
		code = make_run_dir(process, err);
	if (code == GENOPS_OK)
		code = gateway_listen(start, process, err);
	find_trusted_ca(process->trusted_ca, sizeof process->trusted_ca);
	if (code == GENOPS_OK && start->engine->config_text)
		code = keep_config(process, start->engine->config_text, err);
	if (code == GENOPS_OK)
		code = write_conf(process, err);
	return code;
}

int gateway_start(const struct gateway_start *start, struct gateway_process *ret_process, struct genops_error *err)
{
	struct gateway_process process = {.port = -1, .h2c_port = -1, .simulated_port = -1};
	int code = prepare(start, &process, err);
	if (code == GENOPS_OK) {
		process.pid = fork();
		if (process.pid == 0)
			become_nginx(&process, start->log_file);
		process.group = process.pid;
		if (process.pid > 0)
			setpgid(process.pid, process.pid);
		if (process.pid < 0)
			code = gateway_fail(err, GENOPS_IO, NULL, "cannot start nginx: %s", strerror(errno));
	}
	gateway_listen_close(&process); /* nginx's own copies go on listening */
	if (code != GENOPS_OK) {
		process.pid = 0;
		gateway_stop(&process, 0);
		return code;
	}
	*ret_process = process;
	return GENOPS_OK;
}

int gateway_refresh(struct gateway_process *process, const struct genops_engine_options *engine, bool *ret_changed,
    struct genops_error *err)
{
	struct genops_gateway *fresh = genops_gateway_load(engine, err), *old = process->gateway;
	*ret_changed = false;
	if (!fresh)
		return err->code;
	int *ports = gateway_listen_ports(process, fresh), *old_ports = process->listener_ports;
	if (!ports) {
		genops_gateway_free(fresh);
		return gateway_fail(err, GENOPS_NOMEM, NULL, "no memory for the gateway's settings");
	}
	char *before = process->conf;
	process->conf = NULL;
	process->gateway = fresh;
	process->listener_ports = ports;
	int code = write_conf(process, err);
	if (code != GENOPS_OK) {
		process->gateway = old;
		process->listener_ports = old_ports;
		genops_gateway_free(fresh);
		free(ports);
		free(process->conf);
		process->conf = before;
		return code;
	}
	genops_gateway_free(old);
	free(old_ports);
	if (!before || strcmp(before, process->conf) != 0) {
		kill(process->pid, SIGHUP);
		*ret_changed = true;
	}
	free(before);
	return GENOPS_OK;
}

/* --- the end --- */

void gateway_explain(const struct gateway_process *process)
{
	char path[512], line[2048];
	snprintf(path, sizeof path, "%s/start.log", process->run_dir);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file)) {
		if (!strstr(line, "[notice]"))
			fprintf(stderr, "nginx: %s", line);
	}
	if (file)
		fclose(file);
}

bool gateway_has_ended(struct gateway_process *process, int *ret_status)
{
	int status;
	if (process->pid <= 0 || waitpid(process->pid, &status, WNOHANG) != process->pid)
		return false;
	process->pid = 0;
	*ret_status = status;
	return true;
}

bool gateway_wait_until_ready(struct gateway_process *process, const char *base)
{
	char url[512];
	struct http_answer answer;
	struct timespec pause = {.tv_nsec = 2000000};
	int status;
	snprintf(url, sizeof url, "%s/ready", base);
	for (int waited = 0; waited < READY_WITHIN_MS; waited += 2) {
		if (process && gateway_has_ended(process, &status))
			return false;
		http_call(url, NULL, NULL, 1000, &answer);
		http_answer_done(&answer);
		if (answer.status == 200)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum gateway_quit wait_for_end(struct gateway_process *process, int ms, const sigset_t *hurry)
{
	int status;
	struct timespec pause = {.tv_nsec = 2000000};
	for (int64_t until = now_ms() + ms;;) {
		if (gateway_has_ended(process, &status) || process->pid <= 0)
			return GATEWAY_HAS_QUIT;
		if (now_ms() >= until)
			return GATEWAY_STILL_RUNS;
		if (!hurry)
			nanosleep(&pause, NULL);
		else if (sigtimedwait(hurry, NULL, &pause) > 0)
			return GATEWAY_IS_HURRIED;
	}
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

/* Workers whose master died: they would go on to listen. What they have begun, they may finish. */
static void end_group(struct gateway_process *process, int grace_ms)
{
	struct timespec pause = {.tv_nsec = 2000000};
	if (process->group <= 0)
		return;
	for (int waited = 0; kill(-process->group, waited ? 0 : SIGQUIT) == 0 && waited <= grace_ms; waited += 2)
		nanosleep(&pause, NULL);
	kill(-process->group, SIGKILL);
	process->group = 0;
}

enum gateway_quit gateway_quit(struct gateway_process *process, int ms, const sigset_t *hurry)
{
	if (process->pid > 0)
		kill(process->pid, SIGQUIT);
	return wait_for_end(process, ms, hurry);
}

void gateway_stop(struct gateway_process *process, int grace_ms)
{
	if (process->pid > 0 && gateway_quit(process, grace_ms, NULL) != GATEWAY_HAS_QUIT) {
		kill(process->pid, SIGTERM);
		if (wait_for_end(process, 2000, NULL) != GATEWAY_HAS_QUIT) {
			kill(process->pid, SIGKILL);
			wait_for_end(process, 1000, NULL);
		}
	}
	end_group(process, grace_ms);
	if (process->run_dir[0])
		nftw(process->run_dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(process->conf);
	free(process->listener_ports);
	genops_gateway_free(process->gateway);
	process->conf = NULL;
	process->listener_ports = NULL;
	process->gateway = NULL;
	process->run_dir[0] = '\0';
}
