/* SPDX-License-Identifier: Apache-2.0
 * first_call.c - the smallest AI client: one chat completion to $OPENAI_BASE_URL, then it says when the answer was there.
 *
 * For timing `genops run -- first_call`: prints CLOCK_MONOTONIC in nanoseconds, first when it started, then when the answer was
 * read. Exit code 1 unless the answer was 200.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(void)
{
	static const char body[] = "{\"model\":\"gpt-4o-mini\",\"max_tokens\":50,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}";
	long long began = now_ns();
	const char *url = getenv("OPENAI_BASE_URL");
	char host[64], path[256], request[1024], answer[4096];
	int port;
	if (!url || sscanf(url, "http://%63[0-9.]:%d%255s", host, &port, path) != 3)
		return 1;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (inet_pton(AF_INET, host, &address.sin_addr) != 1 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		return 1;
	int n = snprintf(request, sizeof request,
	    "POST %s/chat/completions HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAuthorization: Bearer sk-bench\r\n"
	    "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
	    path, host, strlen(body), body);
	if (write(fd, request, (size_t)n) != n)
		return 1;
	ssize_t got = read(fd, answer, sizeof answer - 1);
	printf("%lld %lld\n", began, now_ns());
	close(fd);
	answer[got > 0 ? got : 0] = '\0';
	return strncmp(answer, "HTTP/1.1 200", 12) != 0;
}
