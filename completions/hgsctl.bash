# SPDX-License-Identifier: Apache-2.0
# bash completion for hgsctl. Made by tools/make-completions: do not edit.
# In zsh: autoload -U +X bashcompinit && bashcompinit, then source this file.

_hgsctl_is_command()
{
    case "$1" in
    "certificate" | "certificate add" | "certificate cancel" | "certificate list" | "certificate permission" | "certificate remove" | "certificate request" | "certificate set" | "certificate show" | "certificate usage" | "event" | "event acknowledge" | "event list" | "event verify" | "explain" | "host" | "host add" | "host list" | "host remove" | "host set" | "host show" | "pending" | "pending approve" | "pending list" | "pending remove" | "pending show" | "policy" | "policy activate" | "policy add" | "policy diff" | "policy disable" | "policy enable" | "policy explain" | "policy list" | "policy remove" | "policy show" | "server" | "server clear" | "server init" | "server set" | "server show" | "server test" | "signer" | "signer deny-before" | "signer distrust" | "signer list" | "signer renew" | "signer trust" | "state" | "state export" | "state import" | "token" | "token list" | "token unlock" | "tpm-root" | "tpm-root add" | "tpm-root list" | "tpm-root remove")
        return 0
        ;;
    *) return 1 ;;
    esac
}

_hgsctl_next()
{
    case "$1" in
    "")
        next="server host policy pending tpm-root certificate token signer event state explain"
        ;;
    "server")
        next="init show set test clear"
        ;;
    "host")
        next="add set list show remove"
        ;;
    "policy")
        next="add list show enable disable remove activate explain diff"
        ;;
    "pending")
        next="list show approve remove"
        ;;
    "tpm-root")
        next="add list remove"
        ;;
    "certificate")
        next="add list show set permission request cancel usage remove"
        ;;
    "token")
        next="list unlock"
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
        values="--trust --health-certificate-lifetime --clock-tolerance --clock-warning --signer-lifetime --tpm-exchange --signer-key --allow-unprotected-signing-keys --max-offline-unwraps --wait --dry-run $values"
        ;;
    "server clear")
        values="--yes --dry-run $values"
        ;;
    "host add")
        values="--tpm --key --profile --policy-version --bank --force --stage --set --dry-run $values"
        ;;
    "host set")
        values="--set --without-set --bank --dry-run $values"
        ;;
    "host remove")
        values="--yes --dry-run $values"
        ;;
    "policy add")
        values="--baseline --pcr --skip-validation --ci --ci-kernel --ci-cmdline --ci-addon --ci-ima --dump --dump-key-hash --profile --for --policy-version --until --stage --dry-run $values"
        ;;
    "policy list")
        values="--type --state $values"
        ;;
    "policy show")
        values="--profile $values"
        ;;
    "policy enable")
        values="--profile --dry-run $values"
        ;;
    "policy disable")
        values="--profile --yes --dry-run $values"
        ;;
    "policy remove")
        values="--yes --dry-run $values"
        ;;
    "policy activate")
        values="--dry-run $values"
        ;;
    "policy explain")
        values="--host --profile --policy-version $values"
        ;;
    "pending approve")
        values="--policy --until --ci --ci-kernel --ci-cmdline --ci-addon --yes --dry-run $values"
        ;;
    "pending remove")
        values="--yes --dry-run $values"
        ;;
    "tpm-root add")
        values="--intermediate --root --dry-run $values"
        ;;
    "tpm-root remove")
        values="--yes --dry-run $values"
        ;;
    "certificate add")
        values="--type --pfx --file --key-file --thumbprint --pkcs11 --only-sha1 --password-file --dry-run $values"
        ;;
    "certificate set")
        values="--type --primary --enable --disable --dry-run $values"
        ;;
    "certificate permission")
        values="--grant --dry-run $values"
        ;;
    "certificate request")
        values="--type --again --subject --key-usage --key-file --pkcs11 --out --dry-run $values"
        ;;
    "certificate cancel")
        values="--yes --dry-run $values"
        ;;
    "certificate usage")
        values="--days $values"
        ;;
    "certificate remove")
        values="--type --yes --dry-run $values"
        ;;
    "token unlock")
        values="--pin-file $values"
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
        values="--password-file --tpm-mode --ad-mode --host-key-mode --dry-run $values"
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
        "server set --clock-warning" | \
        "server set --signer-lifetime" | \
        "server set --tpm-exchange" | \
        "server set --signer-key" | \
        "server set --allow-unprotected-signing-keys" | \
        "server set --max-offline-unwraps" | \
        "server set --wait" | \
        "host add --tpm" | \
        "host add --key" | \
        "host add --profile" | \
        "host add --policy-version" | \
        "host add --bank" | \
        "host add --set" | \
        "host set --set" | \
        "host set --without-set" | \
        "host set --bank" | \
        "policy add --baseline" | \
        "policy add --pcr" | \
        "policy add --ci" | \
        "policy add --ci-kernel" | \
        "policy add --ci-cmdline" | \
        "policy add --ci-addon" | \
        "policy add --ci-ima" | \
        "policy add --dump" | \
        "policy add --dump-key-hash" | \
        "policy add --profile" | \
        "policy add --for" | \
        "policy add --policy-version" | \
        "policy add --until" | \
        "policy list --type" | \
        "policy list --state" | \
        "policy show --profile" | \
        "policy enable --profile" | \
        "policy disable --profile" | \
        "policy explain --host" | \
        "policy explain --profile" | \
        "policy explain --policy-version" | \
        "pending approve --policy" | \
        "pending approve --until" | \
        "pending approve --ci" | \
        "pending approve --ci-kernel" | \
        "pending approve --ci-cmdline" | \
        "pending approve --ci-addon" | \
        "certificate add --type" | \
        "certificate add --pfx" | \
        "certificate add --file" | \
        "certificate add --key-file" | \
        "certificate add --thumbprint" | \
        "certificate add --pkcs11" | \
        "certificate add --password-file" | \
        "certificate set --type" | \
        "certificate request --type" | \
        "certificate request --again" | \
        "certificate request --subject" | \
        "certificate request --key-usage" | \
        "certificate request --key-file" | \
        "certificate request --pkcs11" | \
        "certificate request --out" | \
        "certificate usage --days" | \
        "certificate remove --type" | \
        "token unlock --pin-file" | \
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
    "host add --tpm") values="FILES" ;;
    "host add --key") values="FILES" ;;
    "host add --profile") values="linux windows" ;;
    "host add --policy-version") values="v1 v2" ;;
    "host add --bank") values="sha256 sha384 sha512" ;;
    "host set --bank") values="sha256 sha384 sha512" ;;
    "policy add --baseline") values="FILES" ;;
    "policy add --ci") values="FILES" ;;
    "policy add --ci-kernel") values="FILES" ;;
    "policy add --ci-addon") values="FILES" ;;
    "policy add --ci-ima") values="FILES" ;;
    "policy add --dump") values="FILES" ;;
    "policy add --profile") values="linux windows" ;;
    "policy add --policy-version") values="v1 v2" ;;
    "policy list --type") values="builtin baseline ci dump" ;;
    "policy list --state") values="enabled disabled locked staged" ;;
    "policy show --profile") values="linux windows" ;;
    "policy enable --profile") values="linux windows" ;;
    "policy disable --profile") values="linux windows" ;;
    "policy explain --profile") values="linux windows" ;;
    "policy explain --policy-version") values="v1 v2" ;;
    "pending approve --ci") values="FILES" ;;
    "pending approve --ci-kernel") values="FILES" ;;
    "pending approve --ci-addon") values="FILES" ;;
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
    "token unlock --pin-file") values="FILES" ;;
    "state export --password-file") values="FILES" ;;
    "state import --password-file") values="FILES" ;;
    *" --socket") values="FILES" ;;
    esac
}

_hgsctl_argument()
{
    case "$1 $2" in
    "policy explain 0") values=FILES ;;
    "tpm-root add 0") values=FILES ;;
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
