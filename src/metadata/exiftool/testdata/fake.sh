#!/bin/sh
# Answers as exiftool -stay_open does. What the file that it is asked about says decides what it does.
ulimit=$(ulimit -v)
version='' file='' arguments=''

answer() {
    if [ -n "$version" ]; then
        echo 12.57
        return
    fi
    says=$(cat "$file") || return
    case $says in
        hang) sleep 1000 ;;
        hold) setsid sleep 3 & sleep 1000 ;;
        die) printf '[{'; exit 1 ;;
        die-once*) [ -e "${says#die-once }" ] || { : >"${says#die-once }"; exit 1; } ;;
        flood*) head -c "${says#flood }" /dev/zero | tr '\0' ' ' ;;
        unknown) printf '[{"SourceFile":"x","ExifTool:Error":"Unknown file type"}]\n'; return ;;
    esac
    printf '[{"SourceFile":"%s","Fake:File":"%s","Fake:Arguments":"%s","Fake:Pid":"%s","Fake:Memory":"%s","Fake:Says":"%s"}]\n' \
        "$file" "$file" "$arguments" "$$" "$ulimit" "$says"
}

while :; do
    while IFS= read -r line; do
        case $line in
            -execute*)
                answer
                printf '{ready%s}\n' "${line#-execute}"
                version='' file='' arguments=''
                ;;
            -ver) version=yes ;;
            /*) file=$line ;;
            *) arguments="$arguments $line" ;;
        esac
    done
    # The real one waits for more too.
    sleep 0.01
done
