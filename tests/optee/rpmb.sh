echo "--- who may not"
su nobody -s /bin/sh -c "/bin/tee-steps rpmb state"
supplicant
echo "--- no trusted application, a changed one"
mv "$ta" /carried/ta
tee-steps rpmb state
cp /carried/ta "$ta"
echo x | dd of="$ta" bs=1 seek=70000 conv=notrunc 2>/dev/null
tee-steps rpmb state
mv /carried/ta "$ta"
echo "--- a life, counters in RPMB"
tee-steps rpmb state seal=early prepare state seal=a next=b open=a open=b anchor=9 state advance=b open=b open=a state count open=b seal=c open=c state prepare state
echo "--- and in files"
tee-steps ree state prepare seal=d open=d count open=d seal=e open=e
tee-steps rpmb open=e open=c
echo "--- a changed secret"
cp c cc
echo y | dd of=cc bs=1 seek=110 conv=notrunc 2>/dev/null
tee-steps rpmb open=cc open=c
echo "--- files put back: with RPMB, OP-TEE knows"
cp -r /var/lib/tee /carried/files
tee-steps ree count state
cp /carried/files/* /var/lib/tee/
rm -r /carried/files
tee-steps ree state open=e
echo "--- locked"
tee-steps rpmb lock open=c seal=x next=x anchor=3 prepare state count open=c state
tee-steps rpmb open=c state
echo "--- the supplicant goes"
kill %1
sleep 1
tee-steps rpmb state
