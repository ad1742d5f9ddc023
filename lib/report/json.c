/* SPDX-License-Identifier: Apache-2.0 */
/* Builds JSON objects with json-c. A struct json is json-c's own object, under a name of ours. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "base/text.h"
#include "model/layer.h"
#include "report/json.h"

static struct json_object *object(struct json *j)
{
	return (struct json_object *)j;
}

static void put(struct json *j, const char *key, struct json_object *value)
{
	if (!j || (!key && !json_object_is_type(object(j), json_type_array))) {
		json_object_put(value);
		return;
	}
	if (key)
		json_object_object_add(object(j), key, value);
	else
		json_object_array_add(object(j), value);
}

struct json *json_new(const char *event)
{
	struct json *j = (struct json *)json_object_new_object();

	if (event)
		json_text(j, "event", event);
	return j;
}

struct json *json_free(struct json *j)
{
	json_object_put(object(j));
	return NULL;
}

void json_freep(struct json **j)
{
	json_free(*j);
}

/* How many bytes of a well-formed UTF-8 character start at @s; 0: none. */
static size_t utf8_character(const unsigned char *s)
{
	size_t n = s[0] < 0x80                   ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						 : 0;

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if (n == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0)))
		return 0;
	if (n == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90)))
		return 0;
	return n;
}

/* Names on a damaged medium may hold anything; a reader of JSON may not. */
void json_text(struct json *j, const char *key, const char *value)
{
	_cleanup_text_ struct text clean = {0};

	for (const char *s = value; s && *s;) {
		size_t n = utf8_character((const unsigned char *)s);

		if (n)
			text_add_bytes(&clean, s, n);
		else
			text_add(&clean, "\\x%02x", (unsigned char)*s);
		s += n ? n : 1;
	}
	put(j, key, value ? json_object_new_string(clean.s ? clean.s : "") : NULL);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
	put(j, key, json_object_new_uint64(value));
}

void json_flag(struct json *j, const char *key, bool value)
{
	put(j, key, json_object_new_boolean(value));
}

void json_hex(struct json *j, const char *key, const uint8_t *bytes, size_t len)
{
	char hex[2 * 64 + 1];

	hex_encode(bytes, len < 64 ? len : 64, hex);
	json_text(j, key, hex);
}

struct json *json_child(struct json *j, const char *key)
{
	struct json_object *child = j ? json_object_new_object() : NULL;

	put(j, key, child);
	return (struct json *)child;
}

struct json *json_list(struct json *j, const char *key)
{
	struct json_object *child = j ? json_object_new_array() : NULL;

	put(j, key, child);
	return (struct json *)child;
}

char *json_print(struct json *j, bool pretty)
{
	const char *s =
	    j ? json_object_to_json_string_ext(
		    object(j), (pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
				       : JSON_C_TO_STRING_PLAIN) |
				   JSON_C_TO_STRING_NOSLASHESCAPE)
	      : NULL;

	return s ? text_make("%s\n", s) : NULL;
}

/* --- what the program has to say --- */

static void json_extent(struct json *j, const struct extent *e)
{
	json_number(j, "offset", e->offset_bytes);
	json_number(j, "size", e->size_bytes);
}

static void json_uuid(struct json *j, const char *key, const struct uuid *u)
{
	char text[UUID_TEXT_SIZE];

	uuid_print(u, text);
	json_text(j, key, uuid_is_nil(u) ? NULL : text);
}

void json_plan(struct json *j, const struct plan *plan)
{
	struct json *list;

	json_hex(j, "layout_digest", plan->layout_digest, SHA256_BYTES);
	json_hex(j, "plan_digest", plan->digest, SHA256_BYTES);
	json_flag(j, "seed_known", plan->has_seed);
	json_number(j, "capacity", plan->capacity_bytes);
	json_number(j, "sector", plan->sector_bytes);
	list = json_list(j, "partitions");
	for (size_t i = 0; i < plan->n_requests; i++) {
		const struct request *r = &plan->requests[i];
		struct json *o = json_child(list, NULL);

		json_text(o, "what", r->what);
		json_extent(o, &r->placed);
		json_flag(o, "in_table", r->in_table);
		if (!r->in_table)
			continue;
		json_text(o, "label", r->label);
		json_uuid(o, "type", &r->type);
		if (plan->has_seed)
			json_uuid(o, "uuid", &r->uuid);
	}
	list = json_list(j, "steps");
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct step *s = &plan->steps.v[i];
		struct json *o = json_child(list, NULL);

		json_number(o, "step", i + 1);
		json_text(o, "effect", step_effect_name(s->ops->effect));
		json_text(o, "subject", s->subject);
		json_text(o, "layer", s->layer ? s->layer->ops->name : NULL);
		json_text(o, "name", s->ops->name);
		json_text(o, "detail", s->detail);
		if (s->target.size_bytes)
			json_extent(o, &s->target);
		json_number(o, "work", s->work_bytes);
		json_flag(o, "skip", s->skip);
	}
	list = json_list(j, "lost");
	array_each (lost, &plan->lost)
		json_text(list, NULL, *lost);
}

static void json_volume(struct json *o, const struct volume *v)
{
	static const char *const roles[ROLE_COUNT] = {"data", "hash", "signature"};
	struct json *list, *layer;

	json_text(o, "volume", v->full_name);
	json_flag(o, "reserved", v->reserved);
	list = json_list(o, "extents");
	for (int role = 0; role < ROLE_COUNT; role++) {
		struct json *e;

		if (!v->pieces[role].extent.size_bytes)
			continue;
		e = json_child(list, NULL);
		json_text(e, "role", roles[role]);
		json_extent(e, &v->pieces[role].extent);
		json_uuid(e, "uuid", &v->pieces[role].uuid);
		json_uuid(e, "type", &v->pieces[role].type);
		json_text(e, "label", v->pieces[role].label);
		json_number(e, "number", v->pieces[role].number);
	}
	list = json_list(o, "layers");
	for (size_t i = 0; i < v->n_layers; i++) {
		const struct layer *l = v->layers[i];

		layer = json_child(list, NULL);
		json_text(layer, "layer", l->ops->name);
		array_each (it, &l->learned)
			json_text(layer, it->name, it->value);
		if (l->source.surveyed)
			json_hex(layer, "source_sha256", l->source.digest, SHA256_BYTES);
	}
}

void json_layout(struct json *j, const struct layout *layout)
{
	struct json *list;

	json_text(j, "device", layout->device.name);
	json_text(j, "architecture", layout->device.architecture);
	json_number(j, "version", layout->device.version);
	list = json_list(j, "volumes");
	for (size_t i = 0; i < layout->n_volumes; i++)
		json_volume(json_child(list, NULL), layout->volumes[i]);
}

void json_finding(struct json *j, const struct finding *f)
{
	json_text(j, "kind", finding_kind_name(f->kind));
	json_text(j, "volume", *f->volume ? f->volume : NULL);
	json_text(j, "layer", f->layer);
	json_text(j, "area", f->area);
	json_number(j, "offset", f->offset_bytes);
	json_number(j, "size", f->len_bytes);
	json_number(j, "blocks", f->blocks);
	json_text(j, "text", f->text);
}

void json_failures(struct json *j, const char *key)
{
	struct json *list = json_list(j, key);

	for (size_t i = 0; i < diag_count() && diag_get(i); i++) {
		const struct diag_record *d = diag_get(i);
		struct json *o = json_child(list, NULL);

		json_text(o, "code", diag_code_text(d->code));
		json_text(o, "scope", d->scope);
		json_text(o, "text", d->text);
		if (*d->state)
			json_text(o, "state", d->state);
		if (*d->next)
			json_text(o, "next", d->next);
	}
}
