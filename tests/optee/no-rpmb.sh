# With a SUPPLICANT that has no RPMB_EMU, and a FIRMWARE with CFG_RPMB_FS=y
supplicant
echo "--- OP-TEE has RPMB, the board has none: nothing is loaded from the file system"
tee-steps rpmb state
tee-steps ree state
