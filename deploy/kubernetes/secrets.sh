#!/bin/sh
# Prints the secrets with new random values: deploy/kubernetes/secrets.sh | kubectl apply -f -
# Run it once; a second run would replace the passwords. With overlays/ha pass "ha": CloudNativePG makes Postgres's.
set -eu

random() { openssl rand -hex 24; }
sha256() { printf %s "$1" | openssl dgst -sha256 -r | cut -c1-64; }

frontend=$(random)
publisher=$(random)

secret() {
    printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: aspire-sse\nstringData:\n' "$1"
}

cat <<END
apiVersion: v1
kind: Namespace
metadata:
  name: aspire-sse
END
if [ "${1-}" != ha ]; then
    secret eventstore-app
    echo "  password: '$(random)'"
fi
secret redis
echo "  password: '$(random)'"

# The frontend's key reads the pages about the system. The first key of your own publishes and reads everything else.
secret streamapi-access
cat <<END
  Security__ApiKeys__0__Name: frontend
  Security__ApiKeys__0__Sha256: '$(sha256 "$frontend")'
  Security__ApiKeys__0__Subscribe__0: \$sys.>
  Security__ApiKeys__1__Name: publisher
  Security__ApiKeys__1__Sha256: '$(sha256 "$publisher")'
  Security__ApiKeys__1__Subscribe__0: '>'
  Security__ApiKeys__1__Publish__0: '>'
END
secret webfrontend-access
echo "  api-key: '$frontend'"

echo "The API key of 'publisher', stored nowhere else: $publisher" >&2
