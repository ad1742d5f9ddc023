# As no-rpmb.sh
supplicant
echo "--- who does not touch it has files"
tee-steps ree state prepare seal=a open=a state
echo "--- five at the same time"
for i in 1 2 3 4 5; do
	tee-steps ree open=a open=a open=a >/tmp/said.$i &
	pids="$pids $!"
done
wait $pids
cat /tmp/said.*
