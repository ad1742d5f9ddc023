supplicant
echo "--- a TEE without RPMB"
tee-steps rpmb state prepare
echo "--- counters in files"
tee-steps ree state prepare seal=a open=a anchor=5 state next=b advance=b open=b
echo "--- five at the same time"
for i in 1 2 3 4 5; do
	tee-steps ree open=b open=b open=b >/tmp/said.$i &
	pids="$pids $!"
done
wait $pids
cat /tmp/said.*
echo "--- files put back: nobody knows"
cp -r /var/lib/tee /carried/files
cp b /carried
tee-steps ree count open=b seal=c open=c state
cp c /carried
cp /carried/files/* /var/lib/tee/
tee-steps ree open=b open=c state
tee-steps ree lock open=b
