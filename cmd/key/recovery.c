/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast key recovery: the recovery key of a volume, for people: in words and as a QR code. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/modhex.h"
#include "cmd/cli/passphrase.h"
#include "model/key.h"
#include "report/qr.h"
#include "target/target.h"

static const struct flag flags[] = {
    {"output", 'o', "FILE", "Writes the key to FILE, mode 0600."},
    {"qr", 0, NULL,
     "Shows the key on standard output, as a QR code and in words below it. It stays in the "
     "terminal's scrollback, and in the log of a serial console.",
     .excludes = "json", .why = "JSON is kept and passed on, so it never has keys",
     .next = "use --qr-svg FILE, or leave out --json"},
    {"qr-svg", 0, "FILE",
     "Writes a label for a printer with both, 45 by 54 mm, to FILE (SVG, mode 0600)."},
    PASSPHRASE_FLAGS,
    PIN_FLAGS,
    TCTI_FLAG,
    RECORD_FLAG,
    {0},
};

static const struct layer *layer_of(const struct volume *v)
{
	volume_each_layer (l, v) {
		if (layer_key_bytes(l, KEY_RECOVERY))
			return l;
	}
	diag_fail(DIAG_KEY_MISSING, ENOKEY,
		  "volume %s has no recovery key: its layout does not ask for one", v->full_name);
	return NULL;
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

static int show_key(struct session *s, struct target *t, const struct call *c)
{
	struct volume *v = target_volume(t, c->args[1]);
	const struct layer *l = v ? layer_of(v) : NULL;
	_cleanup_secret_ struct secret *words = NULL;
	const struct secret *key;
	int r = l ? 0 : -ENOENT;

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
	result_text(s->result, "volume", v->full_name);
	if (call_has(c, "output")) {
		result_text(s->result, "output", call_value(c, "output"));
		result_say(s->result, "{output}: recovery key written");
	}
	if (call_has(c, "qr-svg")) {
		result_text(s->result, "label", call_value(c, "qr-svg"));
		result_say(s->result, "{label}: label written");
	}
	result_say(s->result, "recovery key of {volume}: whoever has it and the medium has the "
			      "contents");
	return 0;
}

static int run(struct session *s, const struct call *c)
{
	_cleanup_target_ struct target t = {0};
	int r = passphrase_arguments(s, c);

	s->target = c->args[0];
	if (r >= 0)
		r = target_load(&t, c->args[0], 0, &s->env, s->kinds);
	return r < 0 ? r : show_key(s, &t, c);
}

const struct command command_key_recovery = {
    .name = "key recovery",
    .synopsis = "TARGET VOLUME [-o FILE] [--qr] [--qr-svg FILE]",
    .summary = "Put out a volume's recovery key: into a file, as a QR code, on a label.",
    .text =
	"For a volume whose layout has recovery-key. cryptsetup takes the key from the file, or "
	"typed with its dashes:\n\n"
	"    cryptsetup luksOpen DEVICE NAME --key-file FILE\n\n"
	"The QR code has the same 71 characters and nothing else. On a terminal it has colours of "
	"its own, so that it scans from any background; into a file or a pipe it has none, and ink "
	"is dark. It is made of half blocks where the locale (LC_ALL, LC_CTYPE, LANG) has UTF-8, "
	"and of spaces or '##' elsewhere: 21 lines of 41 columns, or 39 of 78.",
    .status = "2 when a passphrase is needed and was not given. 5 when the passphrase is wrong, or "
	      "the volume has no recovery key.",
    .example = "holdfast key recovery gateway.img data --passphrase-file p -o data.key\n"
	       "holdfast key recovery gateway.img data --passphrase-file p --qr\n",
    .flags = flags,
    .one_of = "output qr qr-svg",
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
