/* SPDX-License-Identifier: Apache-2.0 */
/* What a TEE answers, in words for people. */
#ifndef HOLDFAST_KEYSTORE_TEE_SAY_H
#define HOLDFAST_KEYSTORE_TEE_SAY_H

#include "keystore/tee/call.h"

/* Records why the call did not get an answer. */
int tee_say_failure(const struct tee_call *c);
/* Records what the verdict, which is not TA_DONE, means. */
int tee_say_verdict(const struct tee_call *c);
/* Whether trying again at once may help: another program is using the TEE's objects. Silent. */
bool tee_is_busy(const struct tee_call *c);

#endif
