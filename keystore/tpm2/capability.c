/* SPDX-License-Identifier: Apache-2.0 */
/* TPM2_GetCapability. */
#include "keystore/tpm2/capability.h"
#include "keystore/tpm2/error.h"

int tpm2_property(struct keystore_session *s, TPM2_PT property, uint32_t *ret)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc = Esys_GetCapability(s->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					TPM2_CAP_TPM_PROPERTIES, property, 1, &more, &data);
	const TPML_TAGGED_TPM_PROPERTY *list = data ? &data->data.tpmProperties : NULL;
	bool found = rc == TSS2_RC_SUCCESS && data->capability == TPM2_CAP_TPM_PROPERTIES &&
		     list->count >= 1 && list->tpmProperty[0].property == property;

	if (found)
		*ret = list->tpmProperty[0].value;
	Esys_Free(data);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the TPM's properties cannot be read");
	return found ? 0 : tpm2_untrusted("the TPM does not tell its property 0x%x", property);
}

int tpm2_handles(struct keystore_session *s, TPM2_HT type, TPML_HANDLE *ret)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc =
	    Esys_GetCapability(s->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
			       (uint32_t)type << TPM2_HR_SHIFT, TPM2_MAX_CAP_HANDLES, &more, &data);

	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the TPM's handles cannot be listed");
	*ret = data->data.handles;
	Esys_Free(data);
	return 0;
}
