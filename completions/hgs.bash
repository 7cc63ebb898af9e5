# SPDX-License-Identifier: Apache-2.0
# bash completion for hgs. Made by tools/make-completions: do not edit.
# In zsh: autoload -U +X bashcompinit && bashcompinit, then source this file.

_hgs_guardians()
{
    local folder=${HGS_GUARDIANS:-${XDG_CONFIG_HOME:-$HOME/.config}/hgs/guardians}
    (cd "$folder" 2>/dev/null && ls)
}

_hgs_is_command()
{
    case "$1" in
    "explain" | "guardian" | "guardian create" | "guardian export" | "guardian import" | "guardian list" | "guardian remove" | "host" | "host attest" | "host baseline" | "host configure" | "host identify" | "host key" | "host show" | "protector" | "protector create" | "protector grant" | "protector revoke" | "protector show" | "protector unwrap" | "vm" | "vm create" | "vm grant" | "vm restore" | "vm revoke" | "vm secret" | "vm secret add" | "vm secret remove" | "vm secret show" | "vm show" | "vm unlock")
        return 0
        ;;
    *) return 1 ;;
    esac
}

_hgs_next()
{
    case "$1" in
    "")
        next="host guardian protector vm explain"
        ;;
    "host")
        next="key configure identify baseline show attest"
        ;;
    "guardian")
        next="create import export list remove"
        ;;
    "protector")
        next="create grant revoke show unwrap"
        ;;
    "vm")
        next="create show unlock restore grant revoke secret"
        ;;
    "vm secret")
        next="add remove show"
        ;;
    esac
}

_hgs_options()
{
    values="--help --json --config --state --guardians"
    case "$1" in
    "host key")
        values="--generate --file --out --yes --dry-run $values"
        ;;
    "host configure")
        values="--attestation-url --key-protection-url --fallback-attestation-url --fallback-key-protection-url --service-thumbprint --ca-file --local --dry-run $values"
        ;;
    "host identify")
        values="--name --out --tcti $values"
        ;;
    "host baseline")
        values="--skip-validation --profile --tcti --bios-log $values"
        ;;
    "host attest")
        values="--fallback --what-if --tcti --bios-log --ima-log $values"
        ;;
    "guardian create")
        values="--signing --encryption --password-file --dry-run $values"
        ;;
    "guardian import")
        values="--allow-untrusted-root --allow-expired --ca-file --replace --sha1 --dry-run $values"
        ;;
    "guardian export")
        values="--out $values"
        ;;
    "guardian remove")
        values="--yes --dry-run $values"
        ;;
    "protector create")
        values="--owner --guardian --out --dry-run $values"
        ;;
    "protector grant")
        values="--guardian --owner --dry-run $values"
        ;;
    "protector revoke")
        values="--guardian --owner --dry-run $values"
        ;;
    "protector unwrap")
        values="--owner --out-fd $values"
        ;;
    "vm create")
        values="--owner --guardian --secret --dry-run $values"
        ;;
    "vm unlock")
        values="--secret --out-fd --tcti --bios-log --ima-log $values"
        ;;
    "vm restore")
        values="--yes --dry-run $values"
        ;;
    "vm grant")
        values="--guardian --owner --dry-run $values"
        ;;
    "vm revoke")
        values="--guardian --owner --dry-run $values"
        ;;
    "vm secret add")
        values="--owner --dry-run $values"
        ;;
    "vm secret remove")
        values="--yes --dry-run $values"
        ;;
    "vm secret show")
        values="--owner --out-fd $values"
        ;;
    esac
}

_hgs_takes_value()
{
    case "$1 $2" in
    "host key --file" | \
        "host key --out" | \
        "host configure --attestation-url" | \
        "host configure --key-protection-url" | \
        "host configure --fallback-attestation-url" | \
        "host configure --fallback-key-protection-url" | \
        "host configure --service-thumbprint" | \
        "host configure --ca-file" | \
        "host identify --name" | \
        "host identify --out" | \
        "host identify --tcti" | \
        "host baseline --profile" | \
        "host baseline --tcti" | \
        "host baseline --bios-log" | \
        "host attest --what-if" | \
        "host attest --tcti" | \
        "host attest --bios-log" | \
        "host attest --ima-log" | \
        "guardian create --signing" | \
        "guardian create --encryption" | \
        "guardian create --password-file" | \
        "guardian import --ca-file" | \
        "guardian export --out" | \
        "protector create --owner" | \
        "protector create --guardian" | \
        "protector create --out" | \
        "protector grant --guardian" | \
        "protector grant --owner" | \
        "protector revoke --guardian" | \
        "protector revoke --owner" | \
        "protector unwrap --owner" | \
        "protector unwrap --out-fd" | \
        "vm create --owner" | \
        "vm create --guardian" | \
        "vm create --secret" | \
        "vm unlock --secret" | \
        "vm unlock --out-fd" | \
        "vm unlock --tcti" | \
        "vm unlock --bios-log" | \
        "vm unlock --ima-log" | \
        "vm grant --guardian" | \
        "vm grant --owner" | \
        "vm revoke --guardian" | \
        "vm revoke --owner" | \
        "vm secret add --owner" | \
        "vm secret show --owner" | \
        "vm secret show --out-fd" | \
        *" --config" | \
        *" --state" | \
        *" --guardians") return 0 ;;
    *) return 1 ;;
    esac
}

_hgs_value()
{
    case "$1 $2" in
    "host key --file") values="FILES" ;;
    "host key --out") values="FILES" ;;
    "host configure --ca-file") values="FILES" ;;
    "host identify --out") values="FILES" ;;
    "host baseline --profile") values="linux windows" ;;
    "host baseline --bios-log") values="FILES" ;;
    "host attest --what-if") values="tpm" ;;
    "host attest --bios-log") values="FILES" ;;
    "host attest --ima-log") values="FILES" ;;
    "guardian create --signing") values="FILES" ;;
    "guardian create --encryption") values="FILES" ;;
    "guardian create --password-file") values="FILES" ;;
    "guardian import --ca-file") values="FILES" ;;
    "guardian export --out") values="FILES" ;;
    "protector create --owner") values="$(_hgs_guardians)" ;;
    "protector create --guardian") values="$(_hgs_guardians)" ;;
    "protector create --out") values="FILES" ;;
    "protector grant --guardian") values="$(_hgs_guardians)" ;;
    "protector grant --owner") values="$(_hgs_guardians)" ;;
    "protector revoke --guardian") values="$(_hgs_guardians)" ;;
    "protector revoke --owner") values="$(_hgs_guardians)" ;;
    "protector unwrap --owner") values="$(_hgs_guardians)" ;;
    "vm create --owner") values="$(_hgs_guardians)" ;;
    "vm create --guardian") values="$(_hgs_guardians)" ;;
    "vm unlock --bios-log") values="FILES" ;;
    "vm unlock --ima-log") values="FILES" ;;
    "vm grant --guardian") values="$(_hgs_guardians)" ;;
    "vm grant --owner") values="$(_hgs_guardians)" ;;
    "vm revoke --guardian") values="$(_hgs_guardians)" ;;
    "vm revoke --owner") values="$(_hgs_guardians)" ;;
    "vm secret add --owner") values="$(_hgs_guardians)" ;;
    "vm secret show --owner") values="$(_hgs_guardians)" ;;
    *" --config") values="FILES" ;;
    *" --state") values="FILES" ;;
    *" --guardians") values="FILES" ;;
    esac
}

_hgs_argument()
{
    case "$1 $2" in
    "host baseline 0") values=FILES ;;
    "guardian import 1") values=FILES ;;
    "guardian export 0") values="$(_hgs_guardians)" ;;
    "guardian list 0") values="$(_hgs_guardians)" ;;
    "guardian remove 0") values="$(_hgs_guardians)" ;;
    "protector grant 0") values=FILES ;;
    "protector revoke 0") values=FILES ;;
    "protector show 0") values=FILES ;;
    "protector unwrap 0") values=FILES ;;
    "vm create 0") values=FILES ;;
    "vm show 0") values=FILES ;;
    "vm unlock 0") values=FILES ;;
    "vm restore 0") values=FILES ;;
    "vm grant 0") values=FILES ;;
    "vm revoke 0") values=FILES ;;
    "vm secret add 0") values=FILES ;;
    "vm secret add 1") values=FILES ;;
    "vm secret remove 0") values=FILES ;;
    "vm secret show 0") values=FILES ;;
    esac
}

_hgs()
{
    local current=${COMP_WORDS[COMP_CWORD]} words='' word previous='' i arguments=0 values='' next=''
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [ -n "$previous" ]; then
            previous=
        elif [[ $word == --* ]]; then
            _hgs_takes_value "$words" "$word" && previous=$word
        elif _hgs_is_command "${words:+$words }$word"; then
            words=${words:+$words }$word
        else
            arguments=$((arguments + 1))
        fi
    done
    if [ -n "$previous" ]; then
        _hgs_value "$words" "$previous"
    elif [[ $current == -* ]]; then
        _hgs_options "$words"
    else
        _hgs_next "$words"
        [ -n "$next" ] || _hgs_argument "$words" "$arguments"
    fi
    if [ "$values" = FILES ]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$values$next" -- "$current")
    fi
}
complete -F _hgs hgs
