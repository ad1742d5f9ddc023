/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a volume that holdfast did not lay out, as cryptsetup and integritysetup take it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cli/volume-key.h"
#include "keystore/systemd-token/token.h"
#include "model/key.h"

static struct {
	struct keys keys;
	const char *file;
	struct secret *key;
	bool token; /* --systemd-token: the key comes when it is asked for */
} given;

static int volume_key(struct keys *keys, struct job *job, const struct layer *l,
		      enum key_purpose purpose, const struct secret **ret)
{
	size_t wanted = layer_key_bytes(l, purpose);
	int r = given.key ? 0 : systemd_token_volume_key(job->env, job->target, &given.key);

	if (r < 0)
		return r;
	if (secret_len(given.key) != wanted)
		return diag_fail(DIAG_KEY_WRONG, EINVAL,
				 "%s has %zu bytes, but the %s layer takes a key of %zu",
				 given.file, secret_len(given.key), l->ops->name, wanted);
	*ret = given.key;
	return 0;
}

static int read_key(int fd, const char *path, struct secret **ret)
{
	_cleanup_secret_ struct secret *all = NULL, *key = NULL;
	size_t len = 0;
	int r = secret_new(VOLUME_KEY_MAX + 1, &all);

	while (r >= 0 && len <= VOLUME_KEY_MAX) {
		ssize_t n = read(fd, secret_bytes(all) + len, VOLUME_KEY_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return diag_file(errno, path);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (r >= 0 && (len == 0 || len > VOLUME_KEY_MAX))
		r = diag_fail(DIAG_KEY_INPUT, EINVAL, "%s: a volume key has 1 to %d bytes", path,
			      VOLUME_KEY_MAX);
	if (r >= 0)
		r = secret_new(len, &key);
	if (r < 0)
		return r;
	memcpy(secret_bytes(key), secret_bytes(all), len);
	*ret = TAKE(key);
	return 0;
}

int volume_key_arguments(struct session *s, const struct call *c)
{
	_cleanup_close_ int fd = -1;
	int r;

	given.file = call_value(c, "volume-key-file");
	given.keys.volume_key = volume_key;
	if (call_has(c, "systemd-token")) {
		given.file = "the token";
		given.token = true;
		s->input.given = &given.keys;
		s->input.given_by = "systemd-token";
	}
	if (!given.file || given.token)
		return 0;
	fd = open(given.file, O_RDONLY | O_CLOEXEC);
	r = fd < 0 ? diag_file(errno, given.file) : read_key(fd, given.file, &given.key);
	if (r < 0)
		return r;
	s->input.given = &given.keys;
	s->input.given_by = "volume-key-file";
	return 0;
}

void volume_key_forget(void)
{
	given.key = secret_free(given.key);
}
