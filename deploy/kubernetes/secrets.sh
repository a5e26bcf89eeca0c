#!/bin/sh
# Prints the secrets with new random values: deploy/kubernetes/secrets.sh | kubectl apply -f -
# Run it once; a second run would replace the passwords. With overlays/ha pass "ha": CloudNativePG makes Postgres's.
set -eu

random() { openssl rand -hex 24; }
sha256() { printf %s "$1" | openssl dgst -sha256 -r | cut -c1-64; }

frontend=$(random)
publisher=$(random)
operator=$(random)

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

# From 100 on, so that keys of your own (0, 1, …) replace no part of these. The frontend's key reads no topic; the
# operator's reads everything, and sees and closes every connection.
secret streamapi-access
cat <<END
  Security__ApiKeys__100__Name: frontend
  Security__ApiKeys__100__Sha256: '$(sha256 "$frontend")'
  Security__ApiKeys__101__Name: publisher
  Security__ApiKeys__101__Sha256: '$(sha256 "$publisher")'
  Security__ApiKeys__101__Subscribe__0: '>'
  Security__ApiKeys__101__Publish__0: '>'
  Security__ApiKeys__102__Name: operator
  Security__ApiKeys__102__Sha256: '$(sha256 "$operator")'
  Security__ApiKeys__102__Subscribe__0: '>'
  Security__ApiKeys__102__Subscribe__1: \$sys.>
  Security__ApiKeys__102__Publish__0: \$sys.connections
END
secret webfrontend-access
echo "  api-key: '$frontend'"

echo "API keys, stored nowhere else. publisher: $publisher operator (for the runbook): $operator" >&2
