/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own cryptography, with keys that only it has (AF_ALG). */
#include <errno.h>
#include <linux/if_alg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/alg.h"

#ifndef ALG_SET_KEY_BY_KEY_SERIAL
#define ALG_SET_KEY_BY_KEY_SERIAL 7
#endif
#ifndef SOL_ALG
#define SOL_ALG 279
#endif

static int open_hmac(void)
{
	const struct sockaddr_alg address = {
	    .salg_family = AF_ALG, .salg_type = "hash", .salg_name = "hmac(sha256)"};
	int fd = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), e;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	e = errno;
	close(fd);
	return -e;
}

bool alg_takes_keys(void)
{
	_cleanup_close_ int fd = open_hmac();
	const int32_t none = 0;

	if (fd < 0)
		return false;
	return setsockopt(fd, SOL_ALG, ALG_SET_KEY_BY_KEY_SERIAL, &none, sizeof(none)) == 0 ||
	       errno != ENOPROTOOPT;
}

int alg_hmac_sha256(int32_t serial, const void *bytes, size_t len,
		    uint8_t ret[static ALG_HMAC_BYTES])
{
	_cleanup_close_ int fd = open_hmac();
	_cleanup_close_ int run = -1;
	const uint8_t *p = bytes;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_ALG, ALG_SET_KEY_BY_KEY_SERIAL, &serial, sizeof(serial)) < 0)
		return -errno;
	run = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (run < 0)
		return -errno;
	for (ssize_t n; len > 0; p += n, len -= (size_t)n) {
		n = send(run, p, len, MSG_MORE);
		if (n < 0)
			return -errno;
	}
	if (send(run, NULL, 0, 0) < 0)
		return -errno;
	return read(run, ret, ALG_HMAC_BYTES) == ALG_HMAC_BYTES ? 0 : -EIO;
}

static void add_once(struct text *to, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = to->s; at && (at = strstr(at, name)) != NULL; at += n) {
		if ((at == to->s || at[-1] == ' ') && (at[n] == ',' || at[n] == 0))
			return;
	}
	text_add(to, "%s%s", to->len ? ", " : "", name);
}

void alg_list_ciphers(struct text *to)
{
	FILE *f = fopen("/proc/crypto", "re");
	char line[256], name[160] = "", type[32];

	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "name : %159s", name);
		if (sscanf(line, "type : %31s", type) == 1 && name[0] != '_' &&
		    (strcmp(type, "skcipher") == 0 || strcmp(type, "aead") == 0))
			add_once(to, name);
	}
	if (f)
		fclose(f);
}
