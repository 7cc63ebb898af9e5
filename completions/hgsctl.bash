# SPDX-License-Identifier: Apache-2.0
# bash completion for hgsctl. Made by tools/make-completions: do not edit.
# In zsh: autoload -U +X bashcompinit && bashcompinit, then source this file.

_hgsctl_is_command()
{
    case "$1" in
    "certificate" | "certificate add" | "certificate cancel" | "certificate list" | "certificate remove" | "certificate request" | "certificate set" | "certificate show" | "event" | "event acknowledge" | "event list" | "event verify" | "explain" | "host" | "host add" | "host list" | "host remove" | "host show" | "server" | "server clear" | "server init" | "server set" | "server show" | "server test" | "signer" | "signer deny-before" | "signer distrust" | "signer list" | "signer renew" | "signer trust" | "state" | "state export" | "state import")
        return 0
        ;;
    *) return 1 ;;
    esac
}

_hgsctl_next()
{
    case "$1" in
    "")
        next="server host certificate signer event state explain"
        ;;
    "server")
        next="init show set test clear"
        ;;
    "host")
        next="add list show remove"
        ;;
    "certificate")
        next="add list show set request cancel remove"
        ;;
    "signer")
        next="list renew trust distrust deny-before"
        ;;
    "event")
        next="list verify acknowledge"
        ;;
    "state")
        next="export import"
        ;;
    esac
}

_hgsctl_options()
{
    values="--help --json --socket"
    case "$1" in
    "server init")
        values="--service-name --trust --generate-certificates --signing-certificate --encryption-certificate --password-file --dry-run $values"
        ;;
    "server set")
        values="--trust --health-certificate-lifetime --clock-tolerance --signer-lifetime --tpm-exchange --signer-key --allow-unprotected-signing-keys --max-offline-unwraps --wait --dry-run $values"
        ;;
    "server clear")
        values="--yes --dry-run $values"
        ;;
    "host add")
        values="--key --dry-run $values"
        ;;
    "host remove")
        values="--yes --dry-run $values"
        ;;
    "certificate add")
        values="--type --pfx --file --key-file --password-file --dry-run $values"
        ;;
    "certificate set")
        values="--type --primary --enable --disable --dry-run $values"
        ;;
    "certificate request")
        values="--type --subject --key-usage --key-file --out --dry-run $values"
        ;;
    "certificate cancel")
        values="--yes --dry-run $values"
        ;;
    "certificate remove")
        values="--type --yes --dry-run $values"
        ;;
    "signer renew")
        values="--dry-run $values"
        ;;
    "signer trust")
        values="--dry-run $values"
        ;;
    "signer distrust")
        values="--yes --dry-run $values"
        ;;
    "signer deny-before")
        values="--signer --yes --dry-run $values"
        ;;
    "event list")
        values="--since --host --event --limit --follow $values"
        ;;
    "event verify")
        values="--from $values"
        ;;
    "event acknowledge")
        values="--dry-run $values"
        ;;
    "state export")
        values="--password-file $values"
        ;;
    "state import")
        values="--password-file --host-key-mode --tpm-mode --ad-mode --dry-run $values"
        ;;
    esac
}

_hgsctl_takes_value()
{
    case "$1 $2" in
    "server init --service-name" | \
        "server init --trust" | \
        "server init --signing-certificate" | \
        "server init --encryption-certificate" | \
        "server init --password-file" | \
        "server set --trust" | \
        "server set --health-certificate-lifetime" | \
        "server set --clock-tolerance" | \
        "server set --signer-lifetime" | \
        "server set --tpm-exchange" | \
        "server set --signer-key" | \
        "server set --allow-unprotected-signing-keys" | \
        "server set --max-offline-unwraps" | \
        "server set --wait" | \
        "host add --key" | \
        "certificate add --type" | \
        "certificate add --pfx" | \
        "certificate add --file" | \
        "certificate add --key-file" | \
        "certificate add --password-file" | \
        "certificate set --type" | \
        "certificate request --type" | \
        "certificate request --subject" | \
        "certificate request --key-usage" | \
        "certificate request --key-file" | \
        "certificate request --out" | \
        "certificate remove --type" | \
        "signer deny-before --signer" | \
        "event list --since" | \
        "event list --host" | \
        "event list --event" | \
        "event list --limit" | \
        "event verify --from" | \
        "state export --password-file" | \
        "state import --password-file" | \
        *" --socket") return 0 ;;
    *) return 1 ;;
    esac
}

_hgsctl_value()
{
    case "$1 $2" in
    "server init --trust") values="tpm hostkey ad" ;;
    "server init --signing-certificate") values="FILES" ;;
    "server init --encryption-certificate") values="FILES" ;;
    "server init --password-file") values="FILES" ;;
    "server set --trust") values="tpm hostkey ad" ;;
    "server set --signer-key") values="rsa2048 p256" ;;
    "server set --allow-unprotected-signing-keys") values="yes no" ;;
    "host add --key") values="FILES" ;;
    "certificate add --type") values="signing encryption communications" ;;
    "certificate add --pfx") values="FILES" ;;
    "certificate add --file") values="FILES" ;;
    "certificate add --key-file") values="FILES" ;;
    "certificate add --password-file") values="FILES" ;;
    "certificate set --type") values="signing encryption communications" ;;
    "certificate request --type") values="signing encryption both communications" ;;
    "certificate request --key-file") values="FILES" ;;
    "certificate request --out") values="FILES" ;;
    "certificate remove --type") values="signing encryption communications" ;;
    "state export --password-file") values="FILES" ;;
    "state import --password-file") values="FILES" ;;
    *" --socket") values="FILES" ;;
    esac
}

_hgsctl_argument()
{
    case "$1 $2" in
    "signer trust 0") values=FILES ;;
    "event verify 0") values=FILES ;;
    "state export 0") values=FILES ;;
    "state import 0") values=FILES ;;
    esac
}

_hgsctl()
{
    local current=${COMP_WORDS[COMP_CWORD]} words='' word previous='' i arguments=0 values='' next=''
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [ -n "$previous" ]; then
            previous=
        elif [[ $word == --* ]]; then
            _hgsctl_takes_value "$words" "$word" && previous=$word
        elif _hgsctl_is_command "${words:+$words }$word"; then
            words=${words:+$words }$word
        else
            arguments=$((arguments + 1))
        fi
    done
    if [ -n "$previous" ]; then
        _hgsctl_value "$words" "$previous"
    elif [[ $current == -* ]]; then
        _hgsctl_options "$words"
    else
        _hgsctl_next "$words"
        [ -n "$next" ] || _hgsctl_argument "$words" "$arguments"
    fi
    if [ "$values" = FILES ]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$values$next" -- "$current")
    fi
}
complete -F _hgsctl hgsctl
