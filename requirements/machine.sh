# Says what a machine lacks to build this project, and which package brings it. Argument: the Python to use.
python=$1
missing=0
lacks() {
  echo "missing: $1" >&2
  echo "   get it: $2" >&2
  missing=1
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  lacks "Python 3.11 or newer (looked for: $python)" "apt-get install python3"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
  lacks "Python's venv module" "apt-get install python3-venv"
command -v cc >/dev/null 2>&1 ||
  lacks "a C compiler" "apt-get install gcc libc6-dev"

# A login shell would have found a toolchain that rustup put here; make does not read its profile.
PATH=$PATH:$HOME/.cargo/bin
if version=$(cargo --version 2>/dev/null); then
  minor=$(echo "$version" | sed -E 's/^cargo 1\.([0-9]+).*/\1/')
  [ "$minor" -ge 92 ] 2>/dev/null ||
    lacks "Rust 1.92 or newer (found: $version; Debian 12's own is too old)" "https://rustup.rs"
else
  lacks "cargo, Rust 1.92 or newer (Debian 12's own is too old)" "https://rustup.rs"
fi
exit $missing
