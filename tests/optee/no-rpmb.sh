# With a SUPPLICANT that has no RPMB_EMU, and a FIRMWARE with CFG_RPMB_FS=y
supplicant
echo "--- an RPMB that is not there stops the application, until the next boot"
tee-steps rpmb state
tee-steps rpmb state
tee-steps ree state
