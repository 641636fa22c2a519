# What the command line says, in English. A key is shared with fr.ftl; a test checks it.

## The program
program-says = tocsin: { $what }

## Help
help-usage = Usage:
help-commands = Commands
help-command = COMMAND
help-options = Options
help-arguments = Arguments
help-help = Show this help
help-version = Show the version
help-values = {" "}(one of: { $values })
help-default = {" "}[default: { $value }]
help = Rings everybody who must know, at once, when a disaster strikes.
help-any-lang = Language of the texts; without it that of LC_ALL, LC_MESSAGES or LANG, else French
help-any-config = Configuration file
help-serve = Run the service: console, interface, telephone calls
help-check = Check a configuration file, and place one test call if asked
help-check-call = Place one test call to this number and tell what happened
help-check-trunk = Trunk of the test call; the first if left out
help-dial = Place one call and say what happened
help-load = Load a trunk with calls and measure them
help-load-calls = Calls in all
help-load-rate = New calls a second
help-trace = Show the SIP messages of calls: as a ladder, live, or in a capture
help-trace-call = Telephone number, user name or Call-ID; without it, all calls
help-trace-follow = Show messages as they pass, until interrupted
help-trace-read = Read a saved trace instead of asking the service
help-trace-pcap = Write a capture that Wireshark and tshark read
help-trace-save = Save the trace, to be read again
help-trace-secrets = Leave secrets in: password digests, SRTP keys, digits in INFO
help-parse = Show what the SIP stack makes of messages kept in files
help-parse-files = Files that hold one SIP message each
help-parse-json = Print the parsed form as JSON, one object a line
help-any-uri = Whom to call: sip:NUMBER@HOST[:PORT][;transport=udp|tcp|tls]
help-any-play = Sound file that is played: WAV, MP3, Ogg, FLAC, M4A; a tone if left out
help-any-hold = Seconds that an answered call lasts; left out, until the sound has been heard
help-any-ring = Seconds that it may ring
help-any-dtmf = Keys listened for: telephone events, tones in the sound, or both
help-any-press = Keys that we press once answered
help-any-codecs = Codecs offered, best first: pcma, pcmu, g722, opus
help-any-srtp = Encrypt the sound (SRTP by SDES); the call fails if the far end cannot
help-any-authorities = Further certificate authorities (PEM file) for transport=tls
help-any-from = Caller number or user name in From
help-any-user = User name for digest authentication; the password is in TOCSIN_PASSWORD unless told otherwise
help-any-password_env = Environment variable that holds the password
help-any-password_file = File that holds the password
help-any-headers = Further header of the INVITE, as “Name: value”; may be given several times
help-any-session_timer = Ask for a session timer of this many seconds (RFC 4028; at least 90)
help-any-reliable = Reliable provisional responses (100rel, RFC 3262): not at all, offered, or demanded
help-any-late_offer = Send the INVITE without SDP: the far end makes the offer
help-any-reoffer = Offer the session once more this many seconds after the answer, to see whether the far end takes changes
help-any-by_update = Do that by UPDATE instead of re-INVITE
help-any-tcp_for_large = An INVITE above 1,300 bytes goes by TCP, although the address says UDP (RFC 3261 §18.1.1)
help-any-local = Local address; the one that leads to the host if left out; port 0 takes any
help-any-json = Print the result as JSON

## Wrong arguments
usage-see-help = { $what }; “tocsin --help” explains the commands
usage-unknown = there is no argument “{ $argument }”
usage-unknown-near = there is no argument “{ $argument }”; did you mean “{ $nearest }”?
usage-command = there is no command “{ $name }”
usage-no-command = a command is missing
usage-missing = { $argument } is missing
usage-no-value = “{ $argument }” wants a value
usage-value-of = “{ $value }” does not fit { $argument }; possible values: { $values }
usage-value = “{ $value }” does not fit { $argument }
usage-conflict = “{ $argument }” and “{ $other }” do not go together, or one is given twice
usage-encoding = an argument is not UTF-8
usage-other = the arguments do not go together

## What the system says
system-not-found = it does not exist
system-permission = access is denied
system-in-use = the address is in use
system-not-here = this address is not one of this machine
system-is-folder = it is a folder
system-not-folder = it is not a folder
system-full = the disk is full
system-read-only = the disk is read-only
system-exists = it already exists
system-too-many-files = too many open files; raise LimitNOFILE or “ulimit -n”
system-other = the system says “{ $words }”

## Mistakes in the configuration
config-unreadable = { $path } cannot be read ({ $reason }). Copy tocsin.example.toml and adapt it, or name another file with --config
config-mistakes = { $path } holds { $count ->
        [one] one mistake
        *[other] { $count } mistakes
    }; correct:
config-line = line { $line }: { $mistake }
config-syntax = this is not valid TOML ({ $words }); compare with tocsin.example.toml
config-encoding = the file must be saved as UTF-8
config-unknown = unknown setting “{ $key }” in { $section }
config-unknown-near = unknown setting “{ $key }” in { $section }; did you mean “{ $nearest }”?
config-missing = { $section } lacks “{ $key }”: { $purpose }
config-type = “{ $key }” must be { $expected }, not { $found }
config-value = “{ $key }” = “{ $value }”: { $reason }
config-secret = “{ $key }”: { $reason }
config-whole-file = the file
config-found-text = a text
config-found-integer = a whole number
config-found-float = a decimal number
config-found-boolean = true or false
config-found-date = a date
config-found-list = a list
config-found-section = a section
config-a-text = a text in quotes
config-a-boolean = true or false
config-an-integer = a whole number
config-a-list = a list of texts, for example ["a", "b"]
config-a-section = a section [in brackets]
config-a-section-list = sections [[in double brackets]]
config-expected-address = expected an address and a port, for example "0.0.0.0:5060"
config-expected-ip = expected an IP address
config-expected-between = must be between { $least } and { $most }
config-expected-store = expected: "sled" or "redb"
config-expected-duration = expected a duration such as "500ms", "30s", "5min" or "2h"
config-expected-ports = expected two ports, for example "20000-40000"
config-expected-port-order = the first port must be at least 1024 and lower than the last
config-expected-one-of = expected one of { $values }
config-expected-prefix = expected an international prefix such as "+33"
config-expected-sip-address = expected a SIP address, for example "<sip:+33322000000@carrier.example>;reason=unconditional"
config-named-twice = named twice
config-purpose-trunk = tocsin needs at least one way to the telephone network
config-purpose-trunk-name = the name that reports show
config-purpose-trunk-host = the address that the carrier gave for its border controller
config-purpose-callers = the numbers, among those the carrier gave you, that called persons see
config-purpose-user-name = the name that the person signs in with
config-purpose-password = give “password”, “password_file” or “password_env”
config-conflict-ptime = “ptime” must be 10, 20, 30, 40, 50 or 60 (milliseconds)
config-conflict-trunk-name = two trunks are named “{ $name }”
config-conflict-user-name = two users are named “{ $name }”
config-conflict-incoming = { $number } stands in “launch” and in “call_back”: a number can lead to one of them
config-conflict-phone-codes = “phone_code” and “phone_pin” go together: give both, or neither
config-expected-called = expected the number as the carrier gave it
config-expected-euros = expected euros with at most six decimals, as a text such as "0.0125"
config-purpose-account-user = the name with which the telephone signs in
config-purpose-price = the price in euros as a text, such as "0.0125"
config-purpose-throttle-prefix = the numbers that are spared, such as "+33322"
config-purpose-throttle-calls = most calls at once into these numbers
config-conflict-group-name = two groups are named “{ $name }”
config-conflict-groups = “group” and “groups” say the same thing; keep one of them
config-purpose-group-name = the group’s name
config-purpose-rights = what its members may do: launch, directory, statistics, administration
config-a-number = a number
config-expected-host = expected a host name or an IP address, without https:// and without a port
config-expected-time-zone = expected a time zone such as "Europe/Paris"
config-conflict-secret = “{ $key }”, “{ $key }_file” and “{ $key }_env” say the same thing; keep one of them
config-conflict-credentials = “user” and “password” go together: give both as the carrier gave them, or neither
config-conflict-register = “register” needs the “user” to register
config-conflict-certificate = “certificate” and “key” go together: give both PEM files, or neither
config-conflict-command = “command” is empty: give a program and its arguments, or leave it out for espeak-ng
secret-file = the secret’s file { $path } cannot be read ({ $reason }); make it, readable by the service alone
secret-environment = the environment variable { $name } is not set; set it before tocsin starts
secret-empty = the secret is empty

## Start
start-data = the data folder { $path } cannot be used ({ $reason }); make it, and let the service’s user write in it
start-thread = the system gives no thread ({ $reason }); free some memory or raise the limit of processes
start-sip-busy = the SIP port { $port } of { $ip } is used by another program; stop it (“ss -lntup” shows it), or choose another port in [sip] listen
start-sip-listen = cannot listen on { $address } ({ $reason }); give an address of this machine and a port that may be used in [sip] listen
start-tls-file = [sip] authorities: { $path } cannot be used ({ $reason }); give a PEM file of certificates
start-tls-no-pem = it is not PEM
start-tls-authorities = no certificate authority is known: install the package ca-certificates, or name a file in [sip] authorities
start-tls-identity = the certificate and key of this machine cannot be used ({ $words })
start-tls-settings = TLS cannot be set up ({ $words })
start-media-ports = the port range { $first }-{ $last } is too small; give at least two ports for each call in [media] ports
start-media-bind = cannot use UDP on { $ip } ({ $reason }); give an address of this machine in [media] address
start-journal-damaged = the journal is damaged from record { $at } on ({ $words }). Move the journal folder away and put the newest backup in its place
start-journal-members = the list of the people of campaign { $campaign } { $words }: put the newest backup in its place with “tocsin journal restore”. Nothing else is lost
start-journal-version = the journal was written in format { $found }; this program reads up to { $known }: install the newer program
start-journal-full = the disk that holds the journal is full: free some space
start-journal-open = the journal folder { $path } cannot be opened ({ $words }); another tocsin may be using it, or it is damaged: stop the other one, or put the newest backup in its place
start-journal-in-use = the journal folder { $path } is in use by another program: is tocsin running already? Stop it
start-journal-engine = the journal in { $path } is kept in { $found }, and the configuration says { $wanted }: write store = "{ $found }" in [journal], or move it with “tocsin journal backup” and “tocsin journal restore --replace”
start-journal-backup = the backup { $path } cannot be used ({ $words })
start-journal-conflict = another program writes to the journal; stop it
start-journal-store = the journal cannot be read or written ({ $words }); check the disk, or put the newest backup in its place
start-journal-gap = the journal skips from record { $expected } to record { $found }: put the newest backup in its place
start-directory = the directory cannot be opened ({ $words }); another tocsin may be using it, or the disk cannot be written: stop the other one, check the rights, or put the newest backup in its place
start-directory-damaged = the directory holds a record that cannot be read, { $key } ({ $words }); put the newest backup in its place
trunk-no-address = trunk “{ $trunk }”: the host “{ $host }” has no address; check its name, and the DNS of this machine (“serve” starts all the same, and the trunk is down until the DNS answers)
start-web-busy = the HTTPS port { $port } of { $ip } is used by another program; stop it (“ss -lntp” shows it), or choose another port in [web] listen
start-web-bind = cannot listen on { $address } ({ $reason }); give an address of this machine and a port that may be used in [web] listen
start-web-file = cannot use { $path } ({ $reason }); check that it exists and that the service’s user may read and write it
start-web-certificate = the certificate { $path } cannot be used ({ $words }); give a PEM chain and its matching key, or remove both settings to let tocsin make one
start-web-damaged = { $path } is damaged at line { $line } ({ $words }); restore it from a backup, or move it away to start afresh
start-web-login = the user “{ $login }” of the configuration cannot be added: a name has 1 to 64 small letters, digits, dots, dashes
start-web-phone-codes = the telephone codes of the user “{ $login }” of the configuration cannot be used: a user code has 2 to 12 digits and is one person’s, a secret code has 6 to 16
start-web-group = the user “{ $login }” of the configuration cannot be added: there is no group “{ $group }”; add a section [[group]], or take administration, launch, directory or statistics
start-web-time-zone = “{ $name }” is not a time zone; write a name such as Europe/Paris

## Voices and sounds
speech-missing = “{ $program }” is not installed or cannot be run ({ $reason }); on Debian and Ubuntu: apt install { $package }, or set another command under [speech]
speech-failed = “{ $program }” failed ({ $status }): { $words }; try the command of [speech] by hand
speech-timed-out = “{ $program }” did not finish within { $seconds } s; try the command of [speech] by hand
speech-audio = “{ $program }” gave no usable audio ({ $reason }); try the command of [speech] by hand
speech-length = the text to speak must have between 1 and { $limit } characters; it has { $length }
speech-language = “{ $tag }” is not a language code such as fr or en-GB
speech-cache = the speech folder { $path } cannot be used ({ $reason }); let the service’s user write in it
prompt-speech = the prompt “{ $name }” ({ $tag }) cannot be spoken: { $reason }
prompt-recording = the recording { $path } cannot be played: { $reason }
sound-format = this is no audio file that can be read; convert it to WAV, MP3, Ogg, FLAC, M4A or WebM
sound-codec = the file holds no audio track, or one in a coding that cannot be read; convert it to WAV
sound-damaged = the file is damaged, no audio could be read from it; make it again or take another copy
sound-partly-damaged = the file is damaged, { $bad } of its { $all } parts could not be read; make it again or take another copy
sound-too-long = the recording lasts more than { $minutes } minutes; shorten it
sound-silent = the recording is silent; make it again

## Service
serve-address = console and interface on { $address }
serve-certificate = certificate SHA-256 { $fingerprint }
serve-first-password = first sign-in as “admin” with the password { $password }
serve-ending = ending; calls in progress have { $seconds } s to finish, then they are hung up; campaigns resume at the next start; a second signal ends at once
serve-cut = ended at once

## Check
check-good = { $path }: no mistake found, { $trunks ->
        [one] one trunk
        *[other] { $trunks } trunks
    }
check-trunk = trunk “{ $trunk }”: { $addresses }
check-number = “{ $number }” cannot be called: { $reason }
check-no-trunk = the configuration has no trunk “{ $name }”

## Test calls
probe-uri = “{ $uri }” is not an address that can be called; write sip:NUMBER@HOST, for example sip:+33199000000@sbc.example.net
probe-host = the host “{ $host }” has no address; check its name, and the DNS of this machine
probe-sound = the sound { $path } cannot be played: { $reason }
probe-codec = “{ $name }” is not a codec; use one of { $codecs }
probe-password = password: { $reason }
probe-header = --header “{ $text }” is not “Name: value”
probe-seconds = --{ $option } must be between 0 and 86400 seconds
probe-rate = --rate must be above 0, and at most 100000 calls a second
probe-busy = the local address { $address } is used by another program; choose another port with --local, or port 0
probe-local = cannot use the local address { $address } ({ $reason }); give an address of this machine with --local
dial-not-answered = not answered: { $cause }
dial-provisional = { $status } { $phrase }
dial-answered = answered
dial-agreed = media agreed: { $codec } to { $remote }, { $events }, { $protection }
dial-events = telephone events
dial-no-events = no telephone events
dial-no-agreement = no agreement on media: { $reason }
dial-media-started = first RTP packet heard
dial-key = key { $key } ({ $source })
dial-reoffered = session offered again by { $method }
dial-offer-refused = offer refused: { $status } { $phrase }
dial-dead = no RTP is heard any more
dial-over = over: { $origin }{ $detail }
dial-over-remote = by the far end
dial-over-local = by us
dial-rtp = RTP: { $sent } packets sent, { $received } received, { $lost } lost, jitter { $jitter } ms
dial-keys = keys: { $keys }
digit-in-band = in-band
digit-standard = { $name }
failure-status = { $status } { $reason }
failure-remote = ended by the far end
failure-local = given up by us
failure-ring-timeout = rang too long
failure-timeout = no answer from the network
failure-transport = cannot be sent
failure-no-port = no free RTP port
failure-stack = { $words }
sdp-too-long = the session description is too long
sdp-malformed = line { $line } of the session description is malformed
sdp-no-audio = the session description has no audio stream
sdp-refused = the peer refused the audio stream
sdp-no-codec = no codec in common
sdp-no-address = the session description has no usable address for the audio stream
sdp-encryption = encryption is required and the peer does not agree to it
sdp-profile = the media profile is not supported
load-calls = { $placed } calls placed, { $answered } answered, at most { $peak } up at once
load-failed = {"  "}{ $count } failed: { $cause }
load-digits = {"  "}{ $count } keys heard ({ $source })
load-rtp = RTP: { $sent } packets sent, { $received } received, { $lost } lost ({ $share } %), jitter { $mean } ms on average, { $most } ms at most
load-time = { $seconds } s, { $cpu } s of CPU
load-progress = { $up } up, { $answered } answered, { $failed } failed, { $digits } keys, loss { $loss } %, jitter { $jitter } ms, CPU { $cpu } %

## SIP messages
parse-unreadable = { $file }: cannot be read ({ $reason })
trace-nothing = no message: the trace holds no such call
trace-broken = the trace breaks off: { $reason }
trace-unreadable = { $path } cannot be read: { $reason }
trace-not-running = no service runs on the folder { $path }; start “tocsin serve”, or read a saved trace with --read
parse-accepted = { $file }: accepted: { $message }
parse-answered = { $file }: answered { $status } { $reason }{ $headers }
parse-dropped = { $file }: dropped: { $reason }
fault-keep-alive = only line breaks: a keep-alive
fault-start-line = the first line is neither a SIP request line nor a status line
fault-request-line = the request line is malformed
fault-request-uri = the Request-URI is malformed
fault-request-uri-too-long = the Request-URI is too long
fault-version = this version of SIP is not supported
fault-status = the status code is out of range
fault-uri = a URI is malformed
fault-header-line = a header line has no name or no colon
fault-unfinished = the header does not end
fault-missing = { $header } is missing
fault-repeated = { $header } stands more than once
fault-malformed = { $header } is malformed
fault-method-mismatch = the method of CSeq is not that of the request
fault-body-too-short = the body is shorter than Content-Length says
fault-no-length = Content-Length is missing on a stream
fault-too-large = the message is too large
fault-too-many-headers = the message has too many header fields
fault-unsupported = not served: { $status }
fault-body = the body is malformed

## The journal
help-journal = Verify, back up or restore the journal of campaigns
help-journal-verify = Prove that the journal is whole and unaltered, and that a report belongs to it
help-journal-verify-backup = Backup to check instead of the journal
help-journal-verify-report = Report (JSON) of which every figure must come from this journal
help-journal-verify-records = Number of records that a report states
help-journal-verify-head = Head that a report states
help-journal-backup = Back the journal up into a file, whether tocsin runs or not
help-journal-backup-to = File to write
help-journal-restore = Restore the journal of a backup
help-journal-restore-from = File of the backup
help-journal-restore-replace = Replace the journal that is there, which is kept under another name
journal-whole = the journal is whole and unaltered: { $records ->
    [0] no record
    [one] { $records } record
   *[other] { $records } records
}, head { $head }
journal-belongs = the head after { $records ->
    [one] { $records } record
   *[other] { $records } records
} is the one of this journal
journal-report-good = the report { $path } says what the journal says: { $recipients ->
    [one] { $recipients } recipient
   *[other] { $recipients } recipients
}, { $attempts ->
    [one] { $attempts } call
   *[other] { $attempts } calls
}
journal-none = there is no journal in { $path }
journal-file = { $path }: { $reason }
journal-backed-up = the journal is backed up in { $path }
journal-backup-exists = { $path } is there already: a backup never replaces another; give another name
journal-restored = the journal is restored in { $path }
journal-forgotten = persons and campaigns that it had forgotten since the backup were forgotten again: { $persons }
journal-former = the one that was there is kept in { $path }
journal-exists = there is a journal in { $path }; nothing is changed. To put the backup in its place, add --replace: the journal that is there is then kept under another name
journal-nobody = the journal is in use, and the program that uses it does not answer ({ $reason }): run this command as the service's user, or stop the service
journal-refused = tocsin does not give its journal: { $words }
journal-cut = tocsin stopped giving its journal ({ $reason }); try again, and read its log if it happens again
journal-short = this journal only has { $held ->
    [one] { $held } record
   *[other] { $held } records
}; the report states { $records }: records are missing, or it is another journal
journal-other-head = the head stated after { $records ->
    [one] { $records } record
   *[other] { $records } records
} is not the one of this journal: the report or the journal was changed, or it comes from another journal
journal-report-json = { $path } is not a report in JSON
journal-report-unsealed = { $path } states neither the campaign, nor the number of records, nor the head of the journal: it cannot be verified
journal-report-campaign = the journal does not know campaign { $campaign }
journal-report-differs = the report does not say what the journal says: for “{ $what }” it states { $stated }, and the journal { $told }

## Extracts
config-purpose-extract-name = the name that operators see
config-conflict-extract = give “folder” or “url”, only one of them: the place that the extract comes from
config-conflict-extract-name = two extracts are named “{ $name }”
config-expected-https = expected: an address that begins with https://
config-expected-no-password = give the password in “authorization_file” or “authorization_env”, not in the address
start-extract-authorities = [[extract]] authorities: { $path }: { $reason }; give a PEM file of certificate authorities
start-extract-no-authorities = no certificate authority is known; install the package ca-certificates, or name a file in [[extract]] authorities
start-extract-no-certificate = it holds no certificate that can be read
