# Shared by ./glora and tools/setup, and read by tools/setup_environment.py: what the set-up is made from and
# whether it is there. POSIX shell, so that a call for which nothing changed starts neither Python nor Maven.
# shellcheck shell=sh

say() {
    printf 'glora: %s\n' "$*" >&2
}

# Keys are checksums of names, sizes and contents, never of times: a checkout of an older commit or a deleted
# file counts as a change, a touched file does not.
digest() {
    cksum | tr ' ' '-'
}

# environment_key ROOT: the lock files and the place, since an environment holds absolute paths.
# The leading number is raised when tools/setup_environment.py makes an environment of another kind.
environment_key() (
    cd "$1" && { echo 1; pwd -P; cksum python-runtime/requirements*.lock python-runtime/requirements-torch.txt; } | digest
)

# environment_ready ROOT: the stamp is the last thing that a set-up writes.
environment_ready() {
    [ -x "$1/.venv/bin/python" ] && [ -f "$1/.venv/glora-stamp" ] || return 1
    read -r stamp <"$1/.venv/glora-stamp" && [ "$stamp" = "$(environment_key "$1")" ]
}

# A folder of modules may hold modules itself, as bridge/ does.
jars_key() (
    cd "$1" && find pom.xml ./*/pom.xml ./*/*/pom.xml ./*/src/main ./*/*/src/main -type f -exec cksum {} + |
        LC_ALL=C sort | digest
)

# policy_key ROOT: what the policies' sandbox is made from, which is not the orchestrator.
policy_key() (
    cd "$1" && find pom.xml bridge/pom.xml bridge/src/main bridge/graalpy/pom.xml bridge/graalpy/src/main -type f \
        -exec cksum {} + | LC_ALL=C sort | digest
)

# jars_folder ROOT: where the jars of the present sources belong. A folder of that name is complete.
jars_folder() {
    echo "$1/.build/jars/$(jars_key "$1")"
}

# policy_folder ROOT: where the jars of the policies' sandbox belong, which `tools/setup policy` makes.
policy_folder() {
    echo "$1/.build/policy/$(policy_key "$1")"
}

# follow FILE: the file at the end of a chain of links (`readlink -f` is not everywhere).
follow() (
    file=$1
    while [ -L "$file" ]; do
        link=$(readlink "$file")
        case $link in
        /*) file=$link ;;
        *) file=$(dirname "$file")/$link ;;
        esac
    done
    CDPATH='' cd "$(dirname "$file")" && echo "$(pwd -P)/$(basename "$file")"
)

# java_major JAVA: 17 for a Java 17 and so on, nothing when it cannot be told. A JDK says it in a file beside
# bin/, which spares the start of a virtual machine; macOS's /usr/bin/java has none.
java_major() (
    release=$(dirname "$(dirname "$(follow "$1")")")/release
    if [ -f "$release" ]; then
        sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$release"
    else
        "$1" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p'
    fi
)

# find_java: sets `java` and `java_version`, or says what is wrong and fails.
java_advice='install a JDK (Debian: apt install openjdk-17-jdk; macOS: brew install openjdk) or set JAVA_HOME to one'
find_java() {
    if [ -n "${JAVA_HOME:-}" ]; then
        java=$JAVA_HOME/bin/java
        if [ ! -x "$java" ]; then
            say "Java: JAVA_HOME is $JAVA_HOME, which has no bin/java; expected the folder of a JDK 17 or newer; correct or unset it."
            return 1
        fi
    elif ! java=$(command -v java); then
        say "Java: found no java on the PATH, expected a JDK 17 or newer; $java_advice."
        return 1
    fi
    java_version=$(java_major "$java")
    if [ "${java_version:-0}" -lt 17 ]; then
        say "Java: found version ${java_version:-unknown} at $java, expected 17 or newer; $java_advice."
        return 1
    fi
}
