/* SPDX-License-Identifier: Apache-2.0 */
/* LUKS2 headers with lib/userspace alone, for cryptsetup to compare with. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "crypto/random.h"
#include "userspace/luks2/luks2.h"

static const char usage[] =
    "luks2-format write FILE ENCRYPTION INTEGRITY SECTOR OFFSET UUID LABEL KEY [PASSPHRASE]\n"
    "luks2-format facts FILE\n"
    "luks2-format unlock FILE PASSPHRASE\n"
    "luks2-format matches FILE KEY\n"
    "luks2-format mend FILE\n"
    "KEY and PASSPHRASE are files; INTEGRITY and LABEL may be \"-\". unlock prints the key.\n";

static struct progress progress;
static const atomic_bool never;
static struct env env = {.progress = &progress, .cancel = &never, .random = random_bytes};

static int failed(void)
{
	for (size_t i = 0; i < diag_count(); i++)
		fprintf(stderr, "%s\n", diag_get(i)->text);
	return 1;
}

static struct secret *read_secret(const char *path)
{
	struct secret *s = NULL;
	uint8_t bytes[4096];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0;

	if (f)
		fclose(f);
	if (!n || secret_new(n, &s) < 0)
		exit(2);
	memcpy(secret_bytes(s), bytes, n);
	return s;
}

static const char *word(const char *text)
{
	return strcmp(text, "-") == 0 ? NULL : text;
}

static int do_write(struct io *io, char **argv)
{
	_cleanup_secret_ struct secret *key = read_secret(argv[6]);
	_cleanup_secret_ struct secret *recovery = argv[7] ? read_secret(argv[7]) : NULL;
	struct luks2_new n = {
	    .encryption = argv[0],
	    .integrity = word(argv[1]),
	    .sector_bytes = (uint32_t)strtoul(argv[2], NULL, 10),
	    .segment_offset_bytes = strtoull(argv[3], NULL, 10),
	    .label = word(argv[5]),
	    .key = key,
	    .ways = {{.passphrase = recovery}},
	    .n_ways = recovery != NULL,
	};

	if (uuid_scan(argv[4], &n.uuid) < 0)
		return 2;
	return luks2_write(io, &n, &env) < 0 ? failed() : 0;
}

static void print_copy(const struct luks2_copy *c, const char *name)
{
	char uuid[UUID_TEXT_SIZE];

	if (!c->good) {
		printf("%s: %s\n", name, c->why);
		return;
	}
	uuid_print(&c->binary.uuid, uuid);
	printf("%s: good, at %" PRIu64 ", of %" PRIu64 ", sequence %" PRIu64
	       ", uuid %s, label \"%s\", subsystem \"%s\"\n",
	       name, c->offset_bytes, c->binary.header_bytes, c->binary.sequence, uuid,
	       c->binary.label, c->binary.subsystem);
}

static int do_facts(const struct luks2_found *f)
{
	const struct luks2_facts *s = &f->facts;

	print_copy(&f->copy[0], "first");
	print_copy(&f->copy[1], "second");
	printf("active: %d%s\n", f->active, f->differ ? ", but they differ" : "");
	if (f->active < 0)
		return 0;
	printf("valid: %s%s\n", s->valid ? "yes" : "no: ", s->why);
	printf("encryption: %s\n", s->encryption);
	printf("integrity: %s %s %s %u\n", s->integrity, s->journal_encryption,
	       s->journal_integrity, s->integrity_key_bytes);
	printf("sector: %u\n", s->sector_bytes);
	printf("segment: %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", s->segment_offset_bytes,
	       s->segment_bytes, s->iv_tweak);
	printf("objects: %u segments, %u digests, %u keyslots (%" PRIx64 "), %u unbound, %u "
	       "tokens (%s)\n",
	       s->segments, s->digests, s->keyslots, s->keyslot_bits, s->unbound, s->tokens,
	       s->token_types);
	printf("reencryption: %s\n", s->reencryption ? "yes" : "no");
	printf("requirements: %s\n", s->requirements);
	printf("flags: %s\n", s->flags);
	printf("digest: %s %u\n", s->digest_hash, s->digest_iterations);
	return 0;
}

static int do_unlock(struct io *io, const struct luks2_found *f, const char *path)
{
	_cleanup_secret_ struct secret *passphrase = read_secret(path), *key = NULL;
	char hex[2 * 512 + 1];
	int r = luks2_unlock(io, f, secret_bytes(passphrase), secret_len(passphrase), &env, &key);

	if (r < 0)
		return failed();
	if (r == 0) {
		printf("no keyslot\n");
		return 3;
	}
	hex_encode(secret_bytes(key), secret_len(key), hex);
	printf("%s\n", hex);
	return 0;
}

static int do_matches(const struct luks2_found *f, const char *path)
{
	_cleanup_secret_ struct secret *key = read_secret(path);
	int r = luks2_key_matches(&f->facts, secret_bytes(key), secret_len(key));

	if (r < 0)
		return failed();
	printf("%s\n", r ? "yes" : "no");
	return 0;
}

static int do_mend(struct io *io, const struct luks2_found *f)
{
	int r = luks2_mend(io, f);

	if (r < 0)
		return failed();
	printf("%s\n", r ? "mended" : "nothing to mend");
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_luks2_ struct luks2_found f = {.active = -1};
	_cleanup_io_ struct io *io = NULL;
	const char *command = argc > 1 ? argv[1] : "";
	bool write = strcmp(command, "write") == 0, mend = strcmp(command, "mend") == 0;
	int r;

	if (argc < 3 || (write && argc != 10 && argc != 11)) {
		fputs(usage, stderr);
		return 2;
	}
	if (io_open_file(argv[2], write || mend ? IO_WRITE : 0, &io) < 0)
		return failed();
	if (write)
		return do_write(io, argv + 3);
	r = luks2_read(io, &f);
	if (r == -ENODATA) {
		printf("no header\n");
		return 3;
	}
	if (r < 0)
		return failed();
	if (mend)
		return do_mend(io, &f);
	if (strcmp(command, "facts") == 0)
		return do_facts(&f);
	if (strcmp(command, "unlock") == 0 && argc == 4)
		return do_unlock(io, &f, argv[3]);
	if (strcmp(command, "matches") == 0 && argc == 4)
		return do_matches(&f, argv[3]);
	fputs(usage, stderr);
	return 2;
}
