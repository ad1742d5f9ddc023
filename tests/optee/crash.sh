# As rpmb.sh. A new tee-supplicant has a new, empty RPMB; to OP-TEE that is one that broke.
supplicant
tee-steps rpmb prepare seal=a open=a lock open=a
kill %1
sleep 1
supplicant
echo "--- the application is stopped, and does not come back unlocked"
tee-steps rpmb state open=a
tee-steps rpmb open=a
tee-steps ree state
