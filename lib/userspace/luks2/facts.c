/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a LUKS2 header's JSON. Validated as strictly as in libcryptsetup, and more strictly
 * where a forged header could hide something. */
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/overflow.h"
#include "userspace/luks2/facts.h"
#include "userspace/luks2/json.h"
#include "userspace/luks2/keyslot.h"

static void wrong(struct luks2_facts *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Keeps the first reason only. */
static void wrong(struct luks2_facts *f, const char *fmt, ...)
{
	va_list args;

	if (!f->valid)
		return;
	f->valid = false;
	va_start(args, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, args);
	va_end(args);
}

/* Appends a word to "a,b,c": "…" if it does not fit, "?" for what cannot be printed. */
static void join(char *to, size_t room, const char *word)
{
	size_t n = strlen(to), len = word ? strlen(word) : 0;

	if (n + len + sizeof(",…") > room) {
		if (n + sizeof("…") <= room && (n < 3 || strcmp(to + n - 3, "…") != 0))
			memcpy(to + n, "…", sizeof("…"));
		return;
	}
	if (n)
		to[n++] = ',';
	for (size_t i = 0; i < len; i++)
		to[n++] = word[i] > 0x20 && word[i] < 0x7f && word[i] != ',' ? word[i] : '?';
	if (!len)
		to[n++] = '?';
	to[n] = 0;
}

static bool is_number(const char *key)
{
	uint64_t x;

	return luks2_json_number(key, &x) && (key[0] != '0' || !key[1]);
}

/* An object whose members are numbered objects; NULL having judged. */
static struct json_object *section(struct luks2_facts *f, struct json_object *root,
				   const char *name)
{
	struct json_object *o = luks2_json_member(root, name, json_type_object);

	if (!o) {
		wrong(f, "it has no %s", name);
		return NULL;
	}
	json_object_object_foreach(o, key, value)
	{
		if (!is_number(key) || !json_object_is_type(value, json_type_object)) {
			wrong(f, "not all of its %s are numbered objects", name);
			return NULL;
		}
	}
	return o;
}

/* Rejects unknown members, which another reader might interpret. */
static void only_known(struct luks2_facts *f, struct json_object *o, const char *what,
		       const char *const *known)
{
	json_object_object_foreach(o, key, value)
	{
		bool found = false;

		(void)value;
		for (const char *const *k = known; *k && !found; k++)
			found = strcmp(*k, key) == 0;
		if (!found)
			wrong(f, "%s has the member \"%.40s\", which is not known", what,
			      luks2_json_printable(key) ? key : "?");
	}
}

static void read_integrity(struct luks2_facts *f, struct json_object *segment)
{
	static const char *const known[] = {"type", "journal_encryption", "journal_integrity",
					    "key_size", NULL};
	struct json_object *o = luks2_json_member(segment, "integrity", json_type_object);

	if (!luks2_json_has(segment, "integrity"))
		return;
	if (!o || !luks2_json_word(o, "type", f->integrity, sizeof(f->integrity)) ||
	    !luks2_json_word(o, "journal_encryption", f->journal_encryption,
			     sizeof(f->journal_encryption)) ||
	    !luks2_json_word(o, "journal_integrity", f->journal_integrity,
			     sizeof(f->journal_integrity)) ||
	    (luks2_json_has(o, "key_size") &&
	     !luks2_json_u32(o, "key_size", &f->integrity_key_bytes))) {
		wrong(f, "segment 0 has a malformed integrity");
		return;
	}
	only_known(f, o, "the integrity of segment 0", known);
}

static void read_segment(struct luks2_facts *f, struct json_object *o)
{
	static const char *const known[] = {"type",      "offset",     "size",
					    "iv_tweak",  "encryption", "sector_size",
					    "integrity", "flags",      NULL};
	struct json_object *type = luks2_json_member(o, "type", json_type_string);
	const char *size = luks2_json_text(luks2_json_member(o, "size", json_type_string));

	if (!type || strcmp(json_object_get_string(type), "crypt") != 0)
		wrong(f, "segment 0 is not of type crypt");
	if (!luks2_json_u64(o, "offset", &f->segment_offset_bytes) || f->segment_offset_bytes % 512)
		wrong(f, "segment 0 has no offset in sectors");
	if (!size || (strcmp(size, "dynamic") != 0 && !luks2_json_number(size, &f->segment_bytes)))
		wrong(f, "segment 0 has no size");
	else if (strcmp(size, "dynamic") != 0)
		wrong(f, "segment 0 does not go on to the end of the device");
	if (!luks2_json_u64(o, "iv_tweak", &f->iv_tweak))
		wrong(f, "segment 0 has no iv_tweak");
	if (!luks2_json_word(o, "encryption", f->encryption, sizeof(f->encryption)))
		wrong(f, "segment 0 has no encryption");
	if (!luks2_json_u32(o, "sector_size", &f->sector_bytes) ||
	    !is_power_of_2(f->sector_bytes) || f->sector_bytes < 512 || f->sector_bytes > 4096)
		wrong(f, "segment 0 has no possible sector_size");
	read_integrity(f, o);
	if (luks2_json_has(o, "flags"))
		wrong(f, "segment 0 has flags");
	only_known(f, o, "segment 0", known);
}

static void read_segments(struct luks2_facts *f, struct json_object *root)
{
	struct json_object *all = section(f, root, "segments"), *o;

	if (!all)
		return;
	f->segments = (unsigned)json_object_object_length(all);
	json_object_object_foreach(all, key, value)
	{
		if (luks2_json_has(
			value, "flags")) /* "backup-…", "in-reencryption": there are no others */
			f->reencryption = true;
		(void)key;
	}
	o = luks2_json_member(all, "0", json_type_object);
	if (o)
		read_segment(f, o);
	else
		wrong(f, "it has no segment 0");
	if (f->segments > 1)
		wrong(f, "it has %u segments", f->segments);
}

static void read_requirements(struct luks2_facts *f, struct json_object *config)
{
	struct json_object *requirements =
	    luks2_json_member(config, "requirements", json_type_object);
	struct json_object *list = luks2_json_member(requirements, "mandatory", json_type_array);
	size_t n = list ? json_object_array_length(list) : 0;

	if (luks2_json_has(config, "requirements") &&
	    (!requirements || (luks2_json_has(requirements, "mandatory") && !list)))
		wrong(f, "its requirements are malformed");
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *s =
		    json_object_is_type(o, json_type_string) ? luks2_json_text(o) : NULL;

		join(f->requirements, sizeof(f->requirements), s);
		if (s && (strncmp(s, "online-reencrypt", strlen("online-reencrypt")) == 0 ||
			  strcmp(s, "offline-reencrypt") == 0))
			f->reencryption = true;
	}
}

static void read_config(struct luks2_facts *f, const struct luks2_binary *h,
			struct json_object *root, uint64_t *ret_keyslots_end)
{
	struct json_object *config = luks2_json_member(root, "config", json_type_object);
	struct json_object *flags = luks2_json_member(config, "flags", json_type_array);
	uint64_t json = 0, keyslots = 0;

	*ret_keyslots_end = 2 * h->header_bytes;
	if (!config) {
		wrong(f, "it has no config");
		return;
	}
	if (!luks2_json_u64(config, "json_size", &json) ||
	    json != h->header_bytes - LUKS2_BINARY_BYTES)
		wrong(f, "its json_size is not that of the header");
	if (!luks2_json_u64(config, "keyslots_size", &keyslots) || keyslots % 4096 ||
	    keyslots > LUKS2_KEYSLOTS_BYTES_MAX) {
		wrong(f, "its keyslots_size is impossible");
		keyslots = 0;
	}
	*ret_keyslots_end += keyslots;
	if (luks2_json_has(config, "flags") && !flags)
		wrong(f, "its flags are malformed");
	for (size_t i = 0; flags && i < json_object_array_length(flags); i++) {
		struct json_object *o = json_object_array_get_idx(flags, i);

		join(f->flags, sizeof(f->flags),
		     json_object_is_type(o, json_type_string) ? luks2_json_text(o) : NULL);
	}
	read_requirements(f, config);
}

static void read_digest(struct luks2_facts *f, struct json_object *o)
{
	char type[32];

	if (!luks2_json_word(o, "type", type, sizeof(type)) || strcmp(type, "pbkdf2") != 0 ||
	    !luks2_json_word(o, "hash", f->digest_hash, sizeof(f->digest_hash)) ||
	    !luks2_json_u32(o, "iterations", &f->digest_iterations) || !f->digest_iterations ||
	    !luks2_json_base64(o, "salt", f->digest_salt, sizeof(f->digest_salt),
			       &f->digest_salt_len) ||
	    !luks2_json_base64(o, "digest", f->digest, sizeof(f->digest), &f->digest_len) ||
	    f->digest_salt_len < 16 || f->digest_len < 20) {
		f->digest_len = f->digest_salt_len = 0;
		wrong(f, "the digest of segment 0 is malformed");
	}
}

/* The keyslots that are for the key of segment 0 come back. */
static struct json_object *read_digests(struct luks2_facts *f, struct json_object *root)
{
	struct json_object *all = section(f, root, "digests"), *bound, *digest = NULL;
	unsigned found = 0;

	if (!all)
		return NULL;
	f->digests = (unsigned)json_object_object_length(all);
	json_object_object_foreach(all, key, value)
	{
		(void)key;
		if (!luks2_json_list_has(luks2_json_member(value, "segments", json_type_array),
					 "0"))
			continue;
		found++;
		digest = value;
	}
	if (!digest) {
		wrong(f, "segment 0 has no digest");
		return NULL;
	}
	if (found > 1)
		wrong(f, "segment 0 has %u digests", found);
	read_digest(f, digest);
	bound = luks2_json_member(digest, "keyslots", json_type_array);
	if (!bound)
		wrong(f, "the digest of segment 0 has no list of keyslots");
	return bound;
}

static void read_keyslot(struct luks2_facts *f, const struct luks2_binary *h, const char *key,
			 struct json_object *o, uint64_t end)
{
	struct json_object *area = luks2_json_member(o, "area", json_type_object);
	uint64_t number = UINT64_MAX, offset, size;
	char type[32] = "";

	luks2_json_number(key, &number);
	if (number < 64)
		f->keyslot_bits |= 1ULL << number;
	if (number >= LUKS2_KEYSLOTS_MAX)
		wrong(f, "keyslot %.20s has a number that is too high", key);
	if (!luks2_json_word(o, "type", type, sizeof(type)))
		wrong(f, "keyslot %.20s has no type", key);
	if (strcmp(type, "reencrypt") == 0)
		f->reencryption = true;
	if (!area || !luks2_json_u64(area, "offset", &offset) ||
	    !luks2_json_u64(area, "size", &size) || !size || offset < 2 * h->header_bytes ||
	    !range_inside(offset, size, end))
		wrong(f, "keyslot %.20s does not lie in the area of keyslots", key);
}

static void read_keyslots(struct luks2_facts *f, const struct luks2_binary *h,
			  struct json_object *root, struct json_object *bound, uint64_t end)
{
	struct json_object *all = section(f, root, "keyslots");

	if (!all)
		return;
	f->keyslots = (unsigned)json_object_object_length(all);
	json_object_object_foreach(all, key, value)
	{
		read_keyslot(f, h, key, value, end);
		if (f->keyslots <= LUKS2_KEYSLOTS_MAX && !luks2_json_list_has(bound, key))
			f->unbound++;
	}
	for (size_t i = 0; bound && i < json_object_array_length(bound); i++) {
		struct json_object *o = json_object_array_get_idx(bound, i);
		const char *s =
		    json_object_is_type(o, json_type_string) ? luks2_json_text(o) : NULL;

		if (!s || !luks2_json_has(all, s))
			wrong(f, "the digest of segment 0 names a keyslot that is not there");
	}
}

static void read_tokens(struct luks2_facts *f, struct json_object *root)
{
	struct json_object *all = section(f, root, "tokens");

	if (!all)
		return;
	f->tokens = (unsigned)json_object_object_length(all);
	json_object_object_foreach(all, key, value)
	{
		const char *type =
		    luks2_json_text(luks2_json_member(value, "type", json_type_string));

		if (!type || !*type)
			wrong(f, "token %.20s has no type", key);
		join(f->token_types, sizeof(f->token_types), type);
	}
}

int luks2_json_facts(const struct luks2_binary *h, const char *json, struct luks2_facts *ret)
{
	struct luks2_facts f = {.valid = true};
	struct json_object *root, *bound;
	uint64_t keyslots_end;
	size_t end;
	int r = luks2_json_parse(json, strlen(json) + 1, &root, &end);

	if (r < 0)
		return r;
	read_config(&f, h, root, &keyslots_end);
	read_segments(&f, root);
	bound = read_digests(&f, root);
	read_keyslots(&f, h, root, bound, keyslots_end);
	read_tokens(&f, root);
	if (f.segment_offset_bytes < keyslots_end)
		wrong(&f, "segment 0 begins within the header");
	if (f.reencryption)
		wrong(&f, "it is being reencrypted");
	if (f.requirements[0])
		wrong(&f, "it requires %.100s", f.requirements);
	json_object_put(root);
	*ret = f;
	return 0;
}
