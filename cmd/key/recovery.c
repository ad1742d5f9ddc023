/* SPDX-License-Identifier: Apache-2.0 */
/* key recovery: the recovery key of a volume, for people: as words and as a QR code. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/modhex.h"
#include "cmd/key/recovery.h"
#include "model/key.h"
#include "report/qr.h"

static const struct layer *layer_of(const struct volume *v)
{
	for (size_t i = 0; i < v->n_layers; i++) {
		if (layer_key_bytes(v->layers[i], KEY_RECOVERY))
			return v->layers[i];
	}
	diag_fail(DIAG_KEY_MISSING, ENOKEY,
		  "volume %s has no recovery key: its layout does not ask for one", v->full_name);
	return NULL;
}

/* Before anything is unlocked. */
static int check_outputs(const struct session *s, const struct call *c)
{
	int r;

	if (!call_has(c, "output") && !call_has(c, "qr") && !call_has(c, "qr-svg"))
		return diag_fail(DIAG_USAGE, EINVAL,
				 "key recovery needs --output FILE, --qr or --qr-svg FILE");
	if (!call_has(c, "qr") || !s->json)
		return 0;
	r = diag_fail(DIAG_USAGE, EINVAL,
		      "--qr with --json: JSON is kept and passed on, so it never has keys");
	diag_next("use --qr-svg FILE, or leave out --json");
	return r;
}

/* A terminal gets colours, so that the code scans whatever its own are. The locale is looked at
 * here only: that of the process stays C. */
static enum qr_form form_of_stdout(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", 0);
	bool utf8 = locale && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	bool coloured = isatty(STDOUT_FILENO);

	if (locale)
		freelocale(locale);
	if (utf8)
		return coloured ? QR_BLOCKS_COLOURED : QR_BLOCKS;
	return coloured ? QR_ASCII_COLOURED : QR_ASCII;
}

static int show(struct session *s, const struct secret *words)
{
	_cleanup_secret_ struct secret *picture = NULL, *line = NULL;
	int r = qr_draw(words, form_of_stdout(), &picture);

	if (r >= 0)
		r = secret_new(secret_len(words) + 1, &line);
	if (r < 0)
		return r;
	memcpy(secret_bytes(line), secret_bytes(words), secret_len(words));
	secret_bytes(line)[secret_len(words)] = '\n';
	r = session_show_secret(s, picture);
	return r < 0 ? r : session_show_secret(s, line);
}

static int write_label(const char *path, const struct secret *words)
{
	_cleanup_secret_ struct secret *label = NULL;
	int r = qr_draw(words, QR_SVG, &label);

	return r < 0 ? r : file_write(path, 0600, secret_bytes(label), secret_len(label));
}

static int put_out(struct session *s, const struct call *c, const struct secret *words)
{
	const char *path = call_value(c, "output"), *label = call_value(c, "qr-svg");
	int r = path ? file_write(path, 0600, secret_bytes(words), secret_len(words)) : 0;

	if (r >= 0 && label)
		r = write_label(label, words);
	if (r >= 0 && call_has(c, "qr"))
		r = show(s, words);
	return r;
}

int recovery_key_run(struct session *s, struct target *t, const struct call *c)
{
	struct volume *v = target_volume(t, c->args[2]);
	const struct layer *l = v ? layer_of(v) : NULL;
	_cleanup_secret_ struct secret *words = NULL;
	const struct secret *key;
	int r = l ? check_outputs(s, c) : -ENOENT;

	if (r >= 0)
		r = target_unlock(t, &v, 1);
	if (r >= 0)
		r = layer_key(l, &t->job, KEY_RECOVERY, &key);
	if (r >= 0)
		r = secret_new(MODHEX_KEY_TEXT, &words);
	if (r < 0)
		return r;
	modhex_print_key(secret_bytes(key), secret_bytes(words));
	r = put_out(s, c, words);
	if (r < 0)
		return r;
	if (call_has(c, "output"))
		session_say(s, "%s: recovery key written\n", call_value(c, "output"));
	if (call_has(c, "qr-svg"))
		session_say(s, "%s: label written\n", call_value(c, "qr-svg"));
	session_say(s, "recovery key of %s: whoever has it and the medium has the contents\n",
		    v->full_name);
	return 0;
}
