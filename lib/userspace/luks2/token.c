/* SPDX-License-Identifier: Apache-2.0 */
/* LUKS2 tokens of systemd, as strictly as one may take what decides how a key is guarded. */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/hex.h"
#include "userspace/luks2/json.h"
#include "userspace/luks2/token.h"

#define PCRS 24

/* One member; false: it is not what it should be. */
typedef bool (*read_fn)(struct json_object *o, struct tpm2_token *t);

static bool read_bytes(struct json_object *o, size_t max, struct tpm2_token_bytes *ret)
{
	const char *s = json_object_is_type(o, json_type_string) ? luks2_json_text(o) : NULL;

	return s && base64_decode(s, ret->bytes, max, &ret->len) >= 0 && ret->len > 0;
}

static bool read_digest(struct json_object *o, struct tpm2_token_bytes *ret)
{
	const char *s = json_object_is_type(o, json_type_string) ? luks2_json_text(o) : NULL;

	return s && hex_decode_upto(s, ret->bytes, 64, &ret->len) >= 0 && ret->len >= 20;
}

/* How many members an array has; 1 for any other value. 0: too many. */
static unsigned several(struct json_object *o)
{
	size_t n = json_object_is_type(o, json_type_array) ? json_object_array_length(o) : 1;

	return n <= TPM2_TOKEN_SHARDS ? (unsigned)n : 0;
}

static struct json_object *nth(struct json_object *o, unsigned i)
{
	return json_object_is_type(o, json_type_array) ? json_object_array_get_idx(o, i) : o;
}

static bool read_blobs(struct json_object *o, struct tpm2_token *t)
{
	t->shards = several(o);
	for (unsigned i = 0; i < t->shards; i++) {
		if (!read_bytes(nth(o, i), TPM2_TOKEN_BLOB, &t->blob[i]))
			return false;
	}
	return t->shards > 0;
}

static bool read_policies(struct json_object *o, struct tpm2_token *t)
{
	t->policies = several(o);
	for (unsigned i = 0; i < t->policies; i++) {
		if (!read_digest(nth(o, i), &t->policy[i]))
			return false;
	}
	return t->policies > 0;
}

static bool read_mask(struct json_object *o, uint32_t *ret)
{
	uint32_t mask = 0;

	if (!json_object_is_type(o, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		struct json_object *n = json_object_array_get_idx(o, i);
		int64_t pcr = json_object_is_type(n, json_type_int) ? json_object_get_int64(n) : -1;

		if (pcr < 0 || pcr >= PCRS)
			return false;
		mask |= 1U << pcr;
	}
	*ret = mask;
	return true;
}

static bool read_pcrs(struct json_object *o, struct tpm2_token *t)
{
	return read_mask(o, &t->pcrs);
}

static bool read_pubkey_pcrs(struct json_object *o, struct tpm2_token *t)
{
	return read_mask(o, &t->pubkey_pcrs);
}

static bool read_one_of(struct json_object *o, const char *const *words, char *ret, size_t room)
{
	const char *s = json_object_is_type(o, json_type_string) ? luks2_json_text(o) : NULL;

	for (; s && *words; words++) {
		if (strcmp(s, *words) == 0)
			return snprintf(ret, room, "%s", s) < (int)room;
	}
	return false;
}

static bool read_bank(struct json_object *o, struct tpm2_token *t)
{
	static const char *const banks[] = {"sha1", "sha256", "sha384", "sha512", NULL};

	return read_one_of(o, banks, t->bank, sizeof(t->bank));
}

static bool read_primary(struct json_object *o, struct tpm2_token *t)
{
	static const char *const kinds[] = {"ecc", "rsa", NULL};

	return read_one_of(o, kinds, t->primary, sizeof(t->primary));
}

static bool read_flag(struct json_object *o, bool *ret)
{
	*ret = json_object_get_boolean(o);
	return json_object_is_type(o, json_type_boolean);
}

static bool read_pin(struct json_object *o, struct tpm2_token *t)
{
	return read_flag(o, &t->pin);
}

static bool read_pcrlock(struct json_object *o, struct tpm2_token *t)
{
	return read_flag(o, &t->pcrlock);
}

static bool read_pubkey(struct json_object *o, struct tpm2_token *t)
{
	return read_bytes(o, TPM2_TOKEN_PUBKEY, &t->pubkey);
}

static bool read_salt(struct json_object *o, struct tpm2_token *t)
{
	return read_bytes(o, 64, &t->salt);
}

static bool read_srk(struct json_object *o, struct tpm2_token *t)
{
	return read_bytes(o, TPM2_TOKEN_BLOB, &t->srk);
}

static bool read_pcrlock_nv(struct json_object *o, struct tpm2_token *t)
{
	return read_bytes(o, TPM2_TOKEN_BLOB, &t->pcrlock_nv);
}

static bool read_type(struct json_object *o, struct tpm2_token *t)
{
	const char *s = json_object_is_type(o, json_type_string) ? luks2_json_text(o) : NULL;

	return s && strcmp(s, TPM2_TOKEN_TYPE) == 0;
}

static bool read_keyslot(struct json_object *o, struct tpm2_token *t)
{
	struct json_object *n =
	    json_object_is_type(o, json_type_array) && json_object_array_length(o) == 1
		? json_object_array_get_idx(o, 0)
		: NULL;
	const char *s = json_object_is_type(n, json_type_string) ? luks2_json_text(n) : NULL;
	uint64_t number = 0;

	if (!s || !*s || strlen(s) > 2 || (s[0] == '0' && s[1]))
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		number = 10 * number + (uint64_t)(*s - '0');
	}
	t->keyslot = (unsigned)number;
	return number < TPM2_TOKEN_KEYSLOTS;
}

static const struct {
	const char *key;
	read_fn read;
	const char *why;
	bool needed;
} members[] = {
    {"type", read_type, "it is not of type systemd-tpm2", true},
    {"keyslots", read_keyslot, "it is not for one keyslot", true},
    {"tpm2-blob", read_blobs, "tpm2-blob is malformed", true},
    {"tpm2-pcrs", read_pcrs, "tpm2-pcrs is malformed", true},
    {"tpm2-pcr-bank", read_bank, "tpm2-pcr-bank is not known", false},
    {"tpm2-primary-alg", read_primary, "tpm2-primary-alg is not known", false},
    {"tpm2-policy-hash", read_policies, "tpm2-policy-hash is malformed", true},
    {"tpm2-pin", read_pin, "tpm2-pin is malformed", false},
    {"tpm2_pcrlock", read_pcrlock, "tpm2_pcrlock is malformed", false},
    {"tpm2_pubkey_pcrs", read_pubkey_pcrs, "tpm2_pubkey_pcrs is malformed", false},
    {"tpm2_pubkey", read_pubkey, "tpm2_pubkey is malformed", false},
    {"tpm2_salt", read_salt, "tpm2_salt is malformed", false},
    {"tpm2_srk", read_srk, "tpm2_srk is malformed", false},
    {"tpm2_pcrlock_nv", read_pcrlock_nv, "tpm2_pcrlock_nv is malformed", false},
};
#define N_MEMBERS (sizeof(members) / sizeof(members[0]))

static bool is_known(const char *key)
{
	for (size_t i = 0; i < N_MEMBERS; i++) {
		if (strcmp(members[i].key, key) == 0)
			return true;
	}
	return false;
}

/* Names the first unknown member. Text from a medium is made printable before anybody sees it. */
static void name_unknown(struct json_object *o, char *ret, size_t room)
{
	json_object_object_foreach(o, key, value)
	{
		if (is_known(key))
			continue;
		for (size_t i = 0; key[i] && i < room - 1; i++)
			ret[i] = key[i] > ' ' && key[i] <= '~' ? key[i] : '?';
		return;
	}
}

static const char *read_members(struct json_object *o, struct tpm2_token *t)
{
	size_t known = 0;

	for (size_t i = 0; i < N_MEMBERS; i++) {
		struct json_object *m;

		if (!json_object_object_get_ex(o, members[i].key, &m)) {
			if (members[i].needed)
				return "a member is missing";
			continue;
		}
		known++;
		if (!members[i].read(m, t))
			return members[i].why;
	}
	if (known != (size_t)json_object_object_length(o)) {
		name_unknown(o, t->unknown, sizeof(t->unknown));
		return "it has an unknown member";
	}
	if (t->policies != 1 && t->policies != t->shards)
		return "it has neither one policy nor one for each blob";
	if (t->pubkey_pcrs && !t->pubkey.len)
		return "it has PCRs for a signature, but no public key";
	return NULL;
}

int tpm2_token_decode(const char *json, size_t len, struct tpm2_token *ret, const char **ret_why)
{
	struct json_object *o;
	size_t end;
	int r;

	memset(ret, 0, sizeof(*ret));
	*ret_why = "its JSON cannot be parsed";
	r = luks2_json_parse(json, len, &o, &end);
	if (r < 0)
		return r;
	*ret_why = end == len ? read_members(o, ret) : "there is something after its JSON";
	json_object_put(o);
	return *ret_why ? -EUCLEAN : 0;
}

/* --- writing --- */

static void add_base64(struct text *to, const struct tpm2_token_bytes *b)
{
	char text[BASE64_TEXT_SIZE(TPM2_TOKEN_PUBKEY)];

	base64_encode(b->bytes, b->len, text);
	text_add(to, "\"%s\"", text);
}

static void add_hex(struct text *to, const struct tpm2_token_bytes *b)
{
	char text[2 * 64 + 1];

	hex_encode(b->bytes, b->len, text);
	text_add(to, "\"%s\"", text);
}

static void add_several(struct text *to, const char *key, const struct tpm2_token_bytes *b,
			unsigned n, void (*add)(struct text *, const struct tpm2_token_bytes *))
{
	text_add(to, ",\"%s\":%s", key, n > 1 ? "[" : "");
	for (unsigned i = 0; i < n; i++) {
		text_add(to, "%s", i ? "," : "");
		add(to, &b[i]);
	}
	text_add(to, "%s", n > 1 ? "]" : "");
}

static void add_mask(struct text *to, const char *key, uint32_t mask)
{
	bool first = true;

	text_add(to, ",\"%s\":[", key);
	for (unsigned i = 0; i < PCRS; i++) {
		if (!(mask & 1U << i))
			continue;
		text_add(to, "%s%u", first ? "" : ",", i);
		first = false;
	}
	text_add(to, "]");
}

static void add_bytes(struct text *to, const char *key, const struct tpm2_token_bytes *b)
{
	if (b->len)
		add_several(to, key, b, 1, add_base64);
}

void tpm2_token_encode(const struct tpm2_token *t, struct text *to)
{
	text_add(to, "{\"type\":\"" TPM2_TOKEN_TYPE "\",\"keyslots\":[\"%u\"]", t->keyslot);
	add_several(to, "tpm2-blob", t->blob, t->shards, add_base64);
	add_mask(to, "tpm2-pcrs", t->pcrs);
	if (*t->bank)
		text_add(to, ",\"tpm2-pcr-bank\":\"%s\"", t->bank);
	if (*t->primary)
		text_add(to, ",\"tpm2-primary-alg\":\"%s\"", t->primary);
	add_several(to, "tpm2-policy-hash", t->policy, t->policies, add_hex);
	text_add(to, ",\"tpm2-pin\":%s", t->pin ? "true" : "false");
	if (t->pcrlock)
		text_add(to, ",\"tpm2_pcrlock\":true");
	if (t->pubkey_pcrs || t->pubkey.len)
		add_mask(to, "tpm2_pubkey_pcrs", t->pubkey_pcrs);
	add_bytes(to, "tpm2_pubkey", &t->pubkey);
	add_bytes(to, "tpm2_salt", &t->salt);
	add_bytes(to, "tpm2_srk", &t->srk);
	add_bytes(to, "tpm2_pcrlock_nv", &t->pcrlock_nv);
	text_add(to, "}");
}

int luks2_json_token(const char *header_json, unsigned number, const char *type, struct text *ret)
{
	struct json_object *o, *tokens, *token;
	char key[12];
	size_t end;
	int r = luks2_json_parse(header_json, strlen(header_json), &o, &end);

	if (r < 0)
		return r == -ENOMEM ? r : -ENOENT;
	snprintf(key, sizeof(key), "%u", number);
	tokens = luks2_json_member(o, "tokens", json_type_object);
	token = tokens ? luks2_json_member(tokens, key, json_type_object) : NULL;
	if (token && type) {
		const char *its =
		    luks2_json_text(luks2_json_member(token, "type", json_type_string));

		token = its && strcmp(its, type) == 0 ? token : NULL;
	}
	if (token)
		text_add(ret, "%s",
			 json_object_to_json_string_ext(token, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return !token ? -ENOENT : ret->failed ? -ENOMEM : 0;
}

static bool same_type(struct json_object *a, struct json_object *b)
{
	const char *x = luks2_json_text(luks2_json_member(a, "type", json_type_string));
	const char *y = luks2_json_text(luks2_json_member(b, "type", json_type_string));

	return x && y && strcmp(x, y) == 0;
}

static bool is_for(struct json_object *token, const char *keyslot)
{
	struct json_object *list = luks2_json_member(token, "keyslots", json_type_array);
	const char *text = list && json_object_array_length(list) == 1
			       ? luks2_json_text(json_object_array_get_idx(list, 0))
			       : NULL;

	return text && strcmp(text, keyslot) == 0;
}

/* The place of @token in @tokens: of the one that it replaces, or the first that is free. */
static bool place_of(struct json_object *tokens, struct json_object *token, unsigned keyslot,
		     char ret[static 12])
{
	char slot[12], key[12];
	bool found = false;

	snprintf(slot, sizeof(slot), "%u", keyslot);
	for (unsigned i = 0; i < TPM2_TOKEN_KEYSLOTS; i++) {
		struct json_object *there;

		snprintf(key, sizeof(key), "%u", i);
		there = luks2_json_member(tokens, key, json_type_object);
		if (there && same_type(there, token) && is_for(there, slot)) {
			memcpy(ret, key, sizeof(key));
			return true;
		}
		if (!there && !found && !json_object_object_get_ex(tokens, key, NULL)) {
			memcpy(ret, key, sizeof(key));
			found = true;
		}
	}
	return found;
}

int luks2_json_set_token(const char *header_json, unsigned keyslot, const char *token,
			 struct text *ret)
{
	struct json_object *o = NULL, *t = NULL, *tokens;
	char key[12];
	size_t end;
	int r = luks2_json_parse(header_json, strlen(header_json), &o, &end);

	if (r >= 0)
		r = luks2_json_parse(token, strlen(token), &t, &end);
	tokens = r < 0 ? NULL : luks2_json_member(o, "tokens", json_type_object);
	if (r >= 0 && (!tokens || !place_of(tokens, t, keyslot, key)))
		r = -EUCLEAN;
	if (r >= 0) {
		r = json_object_object_add(tokens, key, json_object_get(t)) < 0 ? -ENOMEM : 0;
		text_add(ret, "%s",
			 json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	json_object_put(o);
	json_object_put(t);
	return r < 0 ? r : ret->failed ? -ENOMEM : 0;
}
