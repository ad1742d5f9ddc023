cp -r /carried/files/* /var/lib/tee/
cp /carried/b /carried/c .
supplicant
echo "--- another boot: not locked any more"
tee-steps ree state open=b count open=b
echo "--- every file damaged, one after the other"
cp -r /var/lib/tee /carried/now
for i in 0 1 2; do
	cp /carried/now/* /var/lib/tee/
	echo damage | dd of=/var/lib/tee/$i bs=1 seek=4100 conv=notrunc 2>/dev/null
	tee-steps ree state seal=d open=c
done
echo "--- all of them gone"
rm /var/lib/tee/*
tee-steps ree state open=c prepare open=c state
