/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast key: what its actions have in common. */
#include "cmd/cli/command.h"

const struct command command_key = {
    .name = "key",
    .synopsis = "ACTION …",
    .summary = "List a device's keys, seal them again, give one up, restore them.",
    .text =
	"A volume's key is random. The vault holds it, wrapped under a key that is derived from "
	"the device secret, which a keystore guards. A cut at any moment leaves the old state or "
	"the new one.",
    .status = "2 when a passphrase is needed and was not given. 3 when the vault was changed by "
	      "somebody without the key. 5 when the passphrase, the receipt or the recovery key is "
	      "wrong, or the key is not there.",
    .example = "holdfast key list gateway.img\n"
	       "holdfast key rotate d.img --passphrase-file old "
	       "--new-passphrase-file new\n",
};
