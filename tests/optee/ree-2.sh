cp -r /carried/files/* /var/lib/tee/
cp /carried/b /carried/c .
supplicant
echo "--- another boot: not locked any more"
tee-steps ree state open=b count open=b
echo "--- every file of an object damaged, one after the other"
cp -r /var/lib/tee /carried/now
for f in $(cd /carried/now && ls | grep -v dirf); do
	cp /carried/now/* /var/lib/tee/
	dd if=/dev/urandom of="/var/lib/tee/$f" bs=16384 count=1 conv=notrunc 2>/dev/null
	tee-steps ree open=c open=c state
done
echo "--- all of them gone"
rm /var/lib/tee/*
tee-steps ree state open=c prepare open=c state seal=d open=d
echo "--- the list of them damaged"
dd if=/dev/urandom of=/var/lib/tee/dirf.db bs=16384 count=1 conv=notrunc 2>/dev/null
tee-steps ree open=d state
tee-steps ree open=d
