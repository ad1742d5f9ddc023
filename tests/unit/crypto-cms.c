/* SPDX-License-Identifier: Apache-2.0 */
/* What is encrypted to certificates: tests/cli/escrow.sh reads it back with openssl(1). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "crypto/cms.h"
#include "lib/check.h"

/* P-256, self-signed, valid for one day: dates are not looked at. */
static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBGTCBwQIUQtoiNbv7uhYCoAtNYy8Vd6ep67gwCgYIKoZIzj0EAwIwEDEOMAwG\n"
    "A1UEAwwFZmxlZXQwHhcNMjYxMTI1MDcxNTU4WhcNMjYxMTI2MDcxNTU4WjAQMQ4w\n"
    "DAYDVQQDDAVmbGVldDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGgy9mXcMprz\n"
    "nDZX7HILFnbCCYgClgdrTTz9PFZKPfrMnQ8zRBZMPzWk6KtFJ20fWa9K++Ms2lWc\n"
    "YzNnVzum+QAwCgYIKoZIzj0EAwIDRwAwRAIgOEFbGHldR8GhLJrmwKuWia851TtP\n"
    "eje02fV7g/2d8e8CIFY6l7+G4AB0dW3Xdbzud9s8qSg3AXWI6ux/Rwd0C8Zu\n"
    "-----END CERTIFICATE-----\n";

/* RSA with 1024 bits. */
static const char weak[] = "-----BEGIN CERTIFICATE-----\n"
			   "MIIB+jCCAWOgAwIBAgIUPtVwLOgKro1SeATeJopyyqu57X4wDQYJKoZIhvcNAQEL\n"
			   "BQAwDzENMAsGA1UEAwwEd2VhazAeFw0yNjExMjgxODM0NDhaFw0yNjExMjkxODM0\n"
			   "NDhaMA8xDTALBgNVBAMMBHdlYWswgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGB\n"
			   "ALnwzqJD6JWbzTnmRGdd/Ldj08bO4dqaN9tOmEyMjRgBFWg0myOOeHWHpnhfBxA2\n"
			   "vRbjNh/KwUfapUlJ3vySPIBZI6oORl88itpWHkZxJoMzdcQDpBPQB7c6irxoSZ79\n"
			   "Y1YT+R98nb8gYLa9njSX3C4iZzIbGXOhOilbu9NMuOJtAgMBAAGjUzBRMB0GA1Ud\n"
			   "DgQWBBTVYm2bwbbg5arL8VM7A6kqLIbYpTAfBgNVHSMEGDAWgBTVYm2bwbbg5arL\n"
			   "8VM7A6kqLIbYpTAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4GBAIwh\n"
			   "x69frBi0TIlpg8nnYpRf7AkKumAyltkSRbtx8RKwtXi9HMaf9goiumIRRTYkKo30\n"
			   "hfnBjEJ2giWH51FEwFip+XX8CPduwnxYLu4KqW44dIWcNr0+J4I4JkC27fhMAoXs\n"
			   "ZtV5ZpC4HWAVWU5IcggpKF+F2+dQwphj7nUqDxi0\n"
			   "-----END CERTIFICATE-----\n";

static char path[] = "/tmp/holdfast-cms.XXXXXX";

static int set_up(void **state)
{
	int fd = mkstemp(path);
	ssize_t n = write(fd, certificate, sizeof(certificate) - 1);

	close(fd);
	return n == sizeof(certificate) - 1 ? 0 : -1;
}

static int tear_down(void **state)
{
	return unlink(path);
}

static void make(struct text *ret)
{
	const char *to[] = {path, path};
	_cleanup_secret_ struct secret *content = NULL;

	assert_ok(secret_new(32, &content));
	memcpy(secret_bytes(content), "thirty-two bytes that are secret", 32);
	assert_ok(cms_encrypt(to, 2, content, ret));
}

static void an_expired_certificate_will_do(void **state)
{
	_cleanup_text_ struct text pem = {0};

	make(&pem);
	assert_memory_equal(pem.s, "-----BEGIN CMS-----\n", 20);
	assert_non_null(strstr(pem.s, "-----END CMS-----\n"));
	assert_null(strstr(pem.s, "secret"));
}

static void it_is_never_the_same_twice(void **state)
{
	_cleanup_text_ struct text one = {0}, two = {0};

	make(&one);
	make(&two);
	assert_string_not_equal(one.s, two.s);
}

static void what_is_no_certificate_is_refused(void **state)
{
	const char *nowhere = "/nowhere/at/all", *null = "/dev/null";
	_cleanup_secret_ struct secret *content = NULL;
	_cleanup_text_ struct text pem = {0};

	assert_ok(secret_new(32, &content));
	assert_int_equal(cms_encrypt(&nowhere, 1, content, &pem), -ENOENT);
	assert_int_equal(diag_get(0)->code, DIAG_FILE);
	diag_forget(0);
	assert_int_equal(cms_encrypt(&null, 1, content, &pem), -EINVAL);
	assert_int_equal(diag_get(0)->code, DIAG_USAGE);
	diag_forget(0);
	assert_null(pem.s);
}

static void an_rsa_key_of_1024_bits_is_too_short(void **state)
{
	char file[] = "/tmp/holdfast-cms.XXXXXX";
	const char *to[] = {path, file};
	_cleanup_secret_ struct secret *content = NULL;
	_cleanup_text_ struct text pem = {0};
	int fd = mkstemp(file);

	assert_int_equal(write(fd, weak, sizeof(weak) - 1), sizeof(weak) - 1);
	close(fd);
	assert_int_equal(secret_new(32, &content), 0);
	assert_int_equal(cms_encrypt(to, 2, content, &pem), -EINVAL);
	assert_int_equal(diag_get(0)->code, DIAG_USAGE);
	assert_non_null(strstr(diag_get(0)->text, "1024 bits; 2048 is the least"));
	assert_null(pem.s);
	diag_forget(0);
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_expired_certificate_will_do),
	    cmocka_unit_test(it_is_never_the_same_twice),
	    cmocka_unit_test(what_is_no_certificate_is_refused),
	    cmocka_unit_test(an_rsa_key_of_1024_bits_is_too_short),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
