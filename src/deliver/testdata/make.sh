#!/bin/sh
# Makes the certificates of the tests beside this script, from `key.der` (an EC key on P-256, PKCS #8), which is made
# where it is missing. `other-key.der` is such a key, of none of them. They are signed by themselves and valid for good
# or for no date in the lifetime of a test:
#
#   certificate.der   127.0.0.1 and localhost, from 2026 to 2126
#   expired.der       the same names, in 2001
#   early.der         the same names, from 2125
#   elsewhere.der     elsewhere.example alone, from 2026 to 2126
#
# Needs OpenSSL 3. Usage: src/deliver/testdata/make.sh
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
for key in key other-key; do
    [ -f "$key.der" ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 |
        openssl pkcs8 -topk8 -nocrypt -outform der -out "$key.der"
done
openssl pkey -inform der -in key.der -out "$work/key.pem"

make() { # NAME START END SUBJECT_ALTERNATIVE_NAMES
    : > "$work/index.txt"
    cat > "$work/ca.conf" <<CONF
[ca]
default_ca = own
[own]
database = $work/index.txt
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = $4
CONF
    openssl req -new -key "$work/key.pem" -subj '/CN=a test of ringback' -out "$work/request.pem"
    openssl ca -batch -notext -selfsign -config "$work/ca.conf" -keyfile "$work/key.pem" -in "$work/request.pem" \
        -startdate "$2" -enddate "$3" -out "$work/made.pem" 2> "$work/log" || { cat "$work/log" >&2; exit 1; }
    openssl x509 -in "$work/made.pem" -outform der -out "$1.der"
}

here='IP:127.0.0.1,DNS:localhost'
[ -f certificate.der ] || make certificate 20261101000000Z 21261101000000Z "$here"
make expired 20010101000000Z 20020101000000Z "$here"
make early 21250101000000Z 21260101000000Z "$here"
make elsewhere 20261101000000Z 21261101000000Z 'DNS:elsewhere.example'
