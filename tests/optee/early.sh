# The application is built into the FIRMWARE (EARLY_TA_PATHS), which has CFG_RPMB_FS=y; the
# SUPPLICANT has no RPMB_EMU
rm "$ta"
echo "--- no supplicant: found, but no storage"
tee-steps rpmb
echo "--- an RPMB that is not there stops it until the next boot"
supplicant
tee-steps rpmb state state
tee-steps rpmb state
tee-steps ree state
