# The application is built into the FIRMWARE (EARLY_TA_PATHS), which has CFG_RPMB_FS=y; the
# SUPPLICANT has no RPMB_EMU
rm "$ta"
echo "--- no supplicant: the application is there"
tee-steps rpmb
echo "--- an RPMB that is not there"
supplicant
tee-steps rpmb state prepare state
tee-steps rpmb state
echo "--- files of an OP-TEE that has RPMB, without one"
tee-steps ree state prepare state seal=a open=a
tee-steps ree state
