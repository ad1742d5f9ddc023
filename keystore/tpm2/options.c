/* SPDX-License-Identifier: Apache-2.0 */
/* The options of backend tpm2, and what a layout says with them. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "keystore/tpm2/options.h"
#include "keystore/tpm2/pcr.h"
#include "keystore/tpm2/remote.h"
#include "keystore/tpm2/signature.h"

enum { PCRS, BANK, KEY, SIGNATURE, VERSION, PIN, MEMORY, ERASE, LOCK };

const struct option_spec tpm2_options[] = {
    [PCRS] = {"pcrs", OPTION_LIST, NULL, .min = 1, .max = TPM2_PCRS,
	      .help =
		  "PCRs that the keys are bound to, for example {\"7\"}; with pcr-public-key, the "
		  "PCRs that it signs for. Without PCRs the keys open for whatever boots"},
    [BANK] = {"pcr-bank", OPTION_WORD, "sha256",
	      .words = (const char *const[]){"sha256", "sha384", NULL},
	      .help = "Bank of these PCRs"},
    [KEY] = {"pcr-public-key", OPTION_PATH, NULL,
	     .help = "RSA key (PEM) that signs what the PCRs may be (systemd-measure, ukify); so "
		     "that updates need no new sealing"},
    [SIGNATURE] = {"pcr-signature", OPTION_PATH, "/run/systemd/tpm2-pcr-signature.json",
		   .help = "Where the signatures are at boot"},
    [VERSION] = {"pcr-version", OPTION_NUMBER, "0", .min = 0, .max = 999999999,
		 .help =
		     "Signatures for this version count, others do not; raised by `key rotate`, "
		     "it revokes older images. 0 are those of systemd-measure"},
    [PIN] = {"pin", OPTION_FLAG, "false",
	     .help = "Opening needs a PIN as well; the TPM counts wrong ones"},
    [MEMORY] = {"pin-memory", OPTION_SIZE, "64M", .min = 1024 * 1024, .max = 1024 * 1024 * 1024,
		.power_of_2 = true,
		.help = "Memory that Argon2id uses for the PIN; the device must have that much"},
    [ERASE] = {"erase", OPTION_WORD, "media",
	       .words = (const char *const[]){"final", "media", NULL},
	       .help =
		   "What erasing must mean: \"final\", the TPM's counter kills every copy, and "
		   "ways in that it does not guard are refused; or \"media\", they are allowed"},
    [LOCK] = {"lock", OPTION_FLAG, "false",
	      .help = "After opening, extend the first of the PCRs: until the next boot the TPM "
		      "releases nothing more"},
    {0},
};

static bool scan_pcrs(const struct option_value *v, uint32_t *ret)
{
	uint32_t pcrs = 0;

	for (size_t i = 0; v->present && i < v->n_list; i++) {
		char *end;
		unsigned long n = strtoul(v->list[i], &end, 10);

		if (!isdigit((unsigned char)v->list[i][0]) || *end || n >= TPM2_PCRS ||
		    pcrs & 1U << n)
			return false;
		pcrs |= 1U << n;
	}
	*ret = pcrs;
	return true;
}

static int wrong(const struct keystore *k, int option, const char *what)
{
	char at[WHERE_SIZE];

	return diag_fail(DIAG_LAYOUT_VALUE, EINVAL, "%skeystore \"%s\": %s",
			 where_text(&k->values[option].where, at), k->name, what);
}

int tpm2_options_check(const struct keystore *k)
{
	uint32_t pcrs;

	if (!scan_pcrs(&k->values[PCRS], &pcrs))
		return wrong(k, PCRS, "pcrs are different numbers from 0 to 23");
	if (k->values[KEY].present && !pcrs)
		return wrong(k, KEY, "pcr-public-key needs pcrs, for example {\"11\"}");
	if (k->values[VERSION].number && !k->values[KEY].present)
		return wrong(k, VERSION, "pcr-version needs pcr-public-key");
	if (k->values[LOCK].number && !pcrs)
		return wrong(k, LOCK,
			     "lock = true extends a PCR, but the keys are bound to none; write "
			     "pcrs = {\"7\"} or the like");
	return 0;
}

void tpm2_boot_wanted(const struct keystore *k, struct tpm2_boot *ret)
{
	*ret = (struct tpm2_boot){.is_signed = k->values[KEY].present,
				  .version = (uint32_t)k->values[VERSION].number};
	scan_pcrs(&k->values[PCRS], &ret->pcrs);
	ret->bank = !ret->pcrs                                    ? 0
		    : strcmp(k->values[BANK].text, "sha384") == 0 ? TPM2_ALG_SHA384
								  : TPM2_ALG_SHA256;
}

int tpm2_boot_now(const struct keystore *k, struct keystore_session *s, struct tpm2_boot *ret)
{
	struct tpm2_boot b;
	int r = 0;

	tpm2_boot_wanted(k, &b);
	if (b.pcrs && b.is_signed)
		r = tpm2_signature_key(k->values[KEY].path, &b);
	else if (b.pcrs)
		r = s->remote ? tpm2_remote_boot(s, &b) : tpm2_pcr_read(s, &b);
	if (r >= 0)
		*ret = b;
	return r;
}

bool tpm2_wants_pin(const struct keystore *k)
{
	return k->values[PIN].number;
}

uint32_t tpm2_wants_version(const struct keystore *k)
{
	return (uint32_t)k->values[VERSION].number;
}

const char *tpm2_public_key_path(const struct keystore *k)
{
	return k->values[KEY].present ? k->values[KEY].path : NULL;
}

const char *tpm2_signature_path(const struct keystore *k)
{
	return k->values[SIGNATURE].path;
}

bool tpm2_wants_lock(const struct keystore *k)
{
	return k->values[LOCK].number;
}

struct tpm2_pin tpm2_wanted_pin(const struct keystore *k)
{
	if (!k->values[PIN].number)
		return (struct tpm2_pin){0};
	return (struct tpm2_pin){.wanted = true,
				 .memory_kib = (uint32_t)(k->values[MEMORY].number / 1024),
				 .passes = 3,
				 .lanes = 4};
}

bool tpm2_must_erase(const struct keystore *k)
{
	return strcmp(k->values[ERASE].text, "final") == 0;
}

int tpm2_policy_version_option(const struct keystore *k)
{
	return k->values[KEY].present ? VERSION : -1;
}
