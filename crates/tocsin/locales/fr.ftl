# Ce que dit la ligne de commande, en français. Une clé est partagée avec en.ftl ; un test le vérifie.

## The program
program-says = tocsin : { $what }

## Help
help-usage = Utilisation :
help-commands = Commandes
help-command = COMMANDE
help-options = Options
help-arguments = Arguments
help-help = Afficher cette aide
help-version = Afficher la version
help-values = {" "}(au choix : { $values })
help-default = {" "}[par défaut : { $value }]
help = Appelle tout de suite tous ceux qui doivent savoir, quand survient une catastrophe.
help-any-lang = Langue des textes ; sans cette option, celle de LC_ALL, LC_MESSAGES ou LANG, sinon le français
help-any-config = Fichier de configuration
help-serve = Rendre le service : console, interface, appels téléphoniques
help-check = Vérifier un fichier de configuration, et passer un appel d’essai sur demande
help-check-call = Passer un appel d’essai à ce numéro et raconter ce qui s’est passé
help-check-trunk = Ligne de l’appel d’essai ; sans cette option, la première
help-dial = Passer un appel et raconter ce qui s’est passé
help-load = Charger une ligne d’appels et les mesurer
help-load-calls = Nombre d’appels en tout
help-load-rate = Nouveaux appels par seconde
help-trace = Montrer les messages SIP des appels : en échelle, en direct, ou dans une capture
help-trace-call = Numéro de téléphone, nom d’utilisateur ou Call-ID ; sans lui, tous les appels
help-trace-follow = Montrer les messages à mesure qu’ils passent, jusqu’à l’interruption
help-trace-read = Lire une trace enregistrée au lieu d’interroger le service
help-trace-pcap = Écrire une capture que lisent Wireshark et tshark
help-trace-save = Enregistrer la trace, pour la relire
help-trace-secrets = Laisser les secrets : empreintes de mots de passe, clés SRTP, touches dans INFO
help-parse = Montrer ce que la pile SIP fait de messages conservés dans des fichiers
help-parse-files = Fichiers qui contiennent chacun un message SIP
help-parse-json = Écrire la forme analysée en JSON, un objet par ligne
help-any-uri = Qui appeler : sip:NUMÉRO@HÔTE[:PORT][;transport=udp|tcp|tls]
help-any-play = Fichier sonore à diffuser : WAV, MP3, Ogg, FLAC, M4A ; sans cette option, une tonalité
help-any-hold = Secondes que dure un appel décroché ; sans cette option, jusqu’à la fin du son
help-any-ring = Secondes de sonnerie au plus
help-any-dtmf = Touches écoutées : événements téléphoniques, tonalités dans le son, ou les deux
help-any-press = Touches à presser après le décroché
help-any-codecs = Codecs proposés, le meilleur d’abord : pcma, pcmu, g722, opus
help-any-srtp = Chiffrer le son (SRTP par SDES) ; l’appel échoue si l’autre côté ne sait pas
help-any-authorities = Autres autorités de certification (fichier PEM) pour transport=tls
help-any-from = Numéro ou nom de l’appelant dans From
help-any-user = Nom d’utilisateur pour l’authentification digest ; le mot de passe est dans TOCSIN_PASSWORD sauf indication contraire
help-any-password_env = Variable d’environnement qui contient le mot de passe
help-any-password_file = Fichier qui contient le mot de passe
help-any-headers = Autre en-tête de l’INVITE, « Nom: valeur » ; peut être répété
help-any-session_timer = Demander un minuteur de session de tant de secondes (RFC 4028 ; au moins 90)
help-any-reliable = Réponses provisoires fiables (100rel, RFC 3262) : non, proposées ou exigées
help-any-late_offer = Envoyer l’INVITE sans SDP : l’autre côté fait la proposition
help-any-reoffer = Proposer de nouveau la session tant de secondes après le décroché, pour voir si l’autre côté accepte les changements
help-any-by_update = Le faire par UPDATE au lieu de re-INVITE
help-any-tcp_for_large = Un INVITE de plus de 1 300 octets part en TCP, même si l’adresse dit UDP (RFC 3261 § 18.1.1)
help-any-local = Adresse locale ; sans cette option, celle qui mène à l’hôte ; le port 0 en prend un libre
help-any-json = Écrire le résultat en JSON

## Wrong arguments
usage-see-help = { $what } ; « tocsin --help » explique les commandes
usage-unknown = l’argument « { $argument } » n’existe pas
usage-unknown-near = l’argument « { $argument } » n’existe pas ; peut-être « { $nearest } » ?
usage-command = la commande « { $name } » n’existe pas
usage-no-command = il manque une commande
usage-missing = il manque { $argument }
usage-no-value = « { $argument } » attend une valeur
usage-value-of = « { $value } » ne convient pas pour { $argument } ; valeurs possibles : { $values }
usage-value = « { $value } » ne convient pas pour { $argument }
usage-conflict = « { $argument } » et « { $other } » ne vont pas ensemble, ou l’un est donné deux fois
usage-encoding = un argument n’est pas en UTF-8
usage-other = les arguments ne vont pas ensemble

## What the system says
system-not-found = introuvable
system-permission = accès refusé
system-in-use = adresse déjà utilisée
system-not-here = cette adresse n’est pas celle de cette machine
system-is-folder = c’est un dossier
system-not-folder = ce n’est pas un dossier
system-full = le disque est plein
system-read-only = le disque est en lecture seule
system-exists = existe déjà
system-too-many-files = trop de fichiers ouverts ; augmentez LimitNOFILE ou « ulimit -n »
system-other = le système dit « { $words } »

## Mistakes in the configuration
config-unreadable = { $path } ne peut pas être lu ({ $reason }). Copiez tocsin.example.toml et adaptez-le, ou indiquez un autre fichier avec --config
config-mistakes = { $path } contient { $count ->
        [one] une erreur
        *[other] { $count } erreurs
    } ; corrigez :
config-line = ligne { $line } : { $mistake }
config-syntax = ce n’est pas du TOML valide ({ $words }) ; comparez avec tocsin.example.toml
config-encoding = le fichier doit être enregistré en UTF-8
config-unknown = le réglage « { $key } » est inconnu dans { $section }
config-unknown-near = le réglage « { $key } » est inconnu dans { $section } ; peut-être « { $nearest } » ?
config-missing = il manque « { $key } » dans { $section } : { $purpose }
config-type = « { $key } » doit être { $expected }, pas { $found }
config-value = « { $key } » = « { $value } » : { $reason }
config-secret = « { $key } » : { $reason }
config-whole-file = le fichier
config-found-text = un texte
config-found-integer = un nombre entier
config-found-float = un nombre à virgule
config-found-boolean = true ou false
config-found-date = une date
config-found-list = une liste
config-found-section = une section
config-a-text = un texte entre guillemets
config-a-boolean = true ou false
config-an-integer = un nombre entier
config-a-list = une liste de textes, par exemple ["a", "b"]
config-a-section = une section [entre crochets]
config-a-section-list = une suite de sections [[entre doubles crochets]]
config-expected-address = attendu : une adresse et un port, par exemple "0.0.0.0:5060"
config-expected-ip = attendu : une adresse IP
config-expected-between = attendu : entre { $least } et { $most }
config-expected-store = attendu : "sled" ou "redb"
config-expected-duration = attendu : une durée telle que "500ms", "30s", "5min" ou "2h"
config-expected-ports = attendu : deux ports, par exemple "20000-40000"
config-expected-port-order = le premier port doit être au moins 1024 et inférieur au dernier
config-expected-one-of = valeurs possibles : { $values }
config-expected-prefix = attendu : un préfixe international tel que "+33"
config-expected-sip-address = attendu : une adresse SIP, par exemple "<sip:+33322000000@operateur.example>;reason=unconditional"
config-named-twice = donné deux fois
config-purpose-trunk = il faut au moins un accès au réseau téléphonique
config-purpose-trunk-name = le nom que montrent les comptes rendus
config-purpose-trunk-host = l’adresse que l’opérateur a donnée pour son équipement
config-purpose-callers = les numéros, parmi ceux que l’opérateur vous a donnés, que voient les personnes appelées
config-purpose-user-name = le code que la personne donne à la connexion
config-purpose-password = donnez « password », « password_file » ou « password_env »
config-conflict-ptime = « ptime » doit valoir 10, 20, 30, 40, 50 ou 60 (millisecondes)
config-conflict-trunk-name = deux lignes s’appellent « { $name } »
config-conflict-user-name = deux utilisateurs s’appellent « { $name } »
config-conflict-incoming = { $number } est dans « launch » et dans « call_back » : un numéro mène à l’un des deux
config-conflict-phone-codes = « phone_code » et « phone_pin » vont ensemble : donnez les deux, ou aucun
config-expected-called = attendu : le numéro comme l’opérateur l’a donné
config-expected-euros = attendu : des euros avec six décimales au plus, en texte, par exemple "0.0125"
config-purpose-account-user = le nom avec lequel le téléphone se connecte
config-purpose-price = le prix en euros, en texte, par exemple "0.0125"
config-purpose-throttle-prefix = les numéros à ménager, par exemple "+33322"
config-purpose-throttle-calls = le plus d’appels à la fois vers ces numéros
config-conflict-group-name = deux groupes s’appellent « { $name } »
config-conflict-groups = « group » et « groups » disent la même chose ; n’en gardez qu’un
config-purpose-group-name = le nom du groupe
config-purpose-rights = ce que ses membres peuvent faire : launch, directory, statistics, administration
config-a-number = un nombre
config-expected-host = attendu : un nom de machine ou une adresse IP, sans https:// ni port
config-expected-time-zone = attendu : un fuseau horaire tel que "Europe/Paris"
config-conflict-secret = « { $key } », « { $key }_file » et « { $key }_env » disent la même chose ; n’en gardez qu’un
config-conflict-credentials = « user » et « password » vont ensemble : donnez les deux comme l’opérateur les a donnés, ou aucun
config-conflict-register = « register » a besoin de « user », le nom à enregistrer
config-conflict-certificate = « certificate » et « key » vont ensemble : donnez les deux fichiers PEM, ou aucun
config-conflict-command = « command » est vide : donnez un programme et ses arguments, ou retirez ce réglage pour espeak-ng
secret-file = le fichier du secret, { $path }, ne peut pas être lu ({ $reason }) ; créez-le, lisible par le service seul
secret-environment = la variable d’environnement { $name } n’est pas définie ; définissez-la avant de démarrer tocsin
secret-empty = le secret est vide

## Start
start-data = le dossier des données, { $path }, ne peut pas être utilisé ({ $reason }) ; créez-le et donnez au service le droit d’y écrire
start-thread = le système refuse un fil d’exécution ({ $reason }) ; libérez de la mémoire ou augmentez la limite de processus
start-sip-busy = le port SIP { $port } de { $ip } est pris par un autre programme ; arrêtez celui-ci (« ss -lntup » le montre) ou choisissez un autre port dans [sip] listen
start-sip-listen = impossible d’écouter sur { $address } ({ $reason }) ; donnez une adresse de cette machine et un port permis dans [sip] listen
start-tls-file = [sip] authorities : { $path } ne peut pas être utilisé ({ $reason }) ; donnez un fichier PEM de certificats
start-tls-no-pem = ce n’est pas du PEM
start-tls-authorities = aucune autorité de certification n’est connue : installez le paquet ca-certificates, ou donnez un fichier dans [sip] authorities
start-tls-identity = le certificat et la clé de cette machine ne peuvent pas être utilisés ({ $words })
start-tls-settings = TLS ne peut pas être mis en place ({ $words })
start-media-ports = la plage de ports { $first }-{ $last } est trop petite ; donnez au moins deux ports par appel dans [media] ports
start-media-bind = impossible d’utiliser UDP sur { $ip } ({ $reason }) ; donnez une adresse de cette machine dans [media] address
start-journal-damaged = le journal est endommagé à partir de l’enregistrement { $at } ({ $words }). Mettez le dossier du journal de côté et remettez en place la dernière sauvegarde
start-journal-members = la liste des personnes de la campagne { $campaign } manque ou a été modifiée ({ $words }) : remettez en place la dernière sauvegarde avec « tocsin journal restore ». Rien d’autre n’est perdu
start-journal-version = le journal est au format { $found } ; ce programme lit jusqu’au format { $known } : installez le programme le plus récent
start-journal-full = le disque du journal est plein : libérez de la place
start-journal-open = le dossier du journal, { $path }, ne peut pas être ouvert ({ $words }) ; un autre tocsin l’utilise peut-être, ou il est endommagé : arrêtez l’autre, ou remettez en place la dernière sauvegarde
start-journal-in-use = le dossier du journal, { $path }, est utilisé par un autre programme : tocsin tourne-t-il déjà ? Arrêtez-le
start-journal-engine = le journal de { $path } est conservé dans { $found }, et la configuration dit { $wanted } : écrivez store = "{ $found }" dans [journal], ou déplacez-le avec « tocsin journal backup » puis « tocsin journal restore --replace »
start-journal-backup = la sauvegarde { $path } ne peut pas être utilisée ({ $words })
start-journal-conflict = un autre programme écrit dans le journal ; arrêtez-le
start-journal-store = le journal ne peut pas être lu ou écrit ({ $words }) ; vérifiez le disque, ou remettez en place la dernière sauvegarde
start-journal-gap = le journal saute de l’enregistrement { $expected } à l’enregistrement { $found } : remettez en place la dernière sauvegarde
start-directory = l’annuaire ne peut pas être ouvert ({ $words }) ; un autre tocsin l’utilise peut-être, ou le disque ne permet pas d’écrire : arrêtez l’autre, vérifiez les droits, ou remettez en place la dernière sauvegarde
start-directory-damaged = l’annuaire contient un enregistrement illisible, { $key } ({ $words }) ; remettez en place la dernière sauvegarde
trunk-no-address = ligne « { $trunk } » : l’hôte « { $host } » n’a pas d’adresse ; vérifiez son nom, et le DNS de cette machine (« serve » démarre tout de même et la ligne reste en panne jusqu’à ce que le DNS réponde)
start-web-busy = le port HTTPS { $port } de { $ip } est pris par un autre programme ; arrêtez celui-ci (« ss -lntp » le montre) ou choisissez un autre port dans [web] listen
start-web-bind = impossible d’écouter sur { $address } ({ $reason }) ; donnez une adresse de cette machine et un port permis dans [web] listen
start-web-file = { $path } ne peut pas être utilisé ({ $reason }) ; vérifiez qu’il existe et que le service peut le lire et l’écrire
start-web-certificate = le certificat { $path } ne peut pas être utilisé ({ $words }) ; donnez une chaîne PEM et la clé qui va avec, ou retirez les deux réglages pour que tocsin en fasse un
start-web-damaged = { $path } est endommagé à la ligne { $line } ({ $words }) ; remettez en place une sauvegarde, ou mettez ce fichier de côté pour repartir de zéro
start-web-login = l’utilisateur « { $login } » de la configuration ne peut pas être ajouté : un code compte de 1 à 64 lettres minuscules, chiffres, points, tirets
start-web-phone-codes = les codes téléphoniques de l’utilisateur « { $login } » de la configuration ne peuvent pas servir : un code d’utilisateur compte de 2 à 12 chiffres et n’est qu’à une personne, un code secret de 6 à 16
start-web-group = l’utilisateur « { $login } » de la configuration ne peut pas être ajouté : il n’y a pas de groupe « { $group } » ; ajoutez une section [[group]], ou prenez administration, launch, directory ou statistics
start-web-time-zone = « { $name } » n’est pas un fuseau horaire ; écrivez un nom tel que Europe/Paris

## Voices and sounds
speech-missing = « { $program } » n’est pas installé ou ne peut pas être lancé ({ $reason }) ; sous Debian et Ubuntu : apt install { $package }, ou indiquez une autre commande dans [speech]
speech-failed = « { $program } » a échoué ({ $status }) : { $words } ; essayez la commande de [speech] à la main
speech-timed-out = « { $program } » n’a pas fini en { $seconds } s ; essayez la commande de [speech] à la main
speech-audio = « { $program } » n’a pas rendu de son utilisable ({ $reason }) ; essayez la commande de [speech] à la main
speech-length = le texte à dire doit compter de 1 à { $limit } caractères ; il en a { $length }
speech-language = « { $tag } » n’est pas un code de langue tel que fr ou en-GB
speech-cache = le dossier de la voix, { $path }, ne peut pas être utilisé ({ $reason }) ; donnez au service le droit d’y écrire
prompt-speech = l’annonce « { $name } » ({ $tag }) ne peut pas être dite : { $reason }
prompt-recording = l’enregistrement { $path } ne peut pas être diffusé : { $reason }
sound-format = ce n’est pas un fichier sonore lisible ; convertissez-le en WAV, MP3, Ogg, FLAC, M4A ou WebM
sound-codec = le fichier ne contient pas de piste sonore, ou dans un codage illisible ; convertissez-le en WAV
sound-damaged = le fichier est endommagé, aucun son ne peut en être tiré ; refaites-le ou prenez-en une autre copie
sound-partly-damaged = le fichier est endommagé, { $bad } de ses { $all } parties sont illisibles ; refaites-le ou prenez-en une autre copie
sound-too-long = l’enregistrement dure plus de { $minutes } minutes ; raccourcissez-le
sound-silent = l’enregistrement est muet ; refaites-le

## Service
serve-address = console et interface sur { $address }
serve-certificate = empreinte SHA-256 du certificat : { $fingerprint }
serve-first-password = première connexion avec le code « admin » et le mot de passe { $password }
serve-ending = arrêt ; les appels en cours ont { $seconds } s pour finir, puis sont raccrochés ; les campagnes reprendront au prochain démarrage ; un second signal arrête tout de suite
serve-cut = arrêt immédiat

## Check
check-good = { $path } : aucune erreur, { $trunks ->
        [one] une ligne
        *[other] { $trunks } lignes
    }
check-trunk = ligne « { $trunk } » : { $addresses }
check-number = « { $number } » ne peut pas être appelé : { $reason }
check-no-trunk = la configuration n’a pas de ligne « { $name } »

## Test calls
probe-uri = « { $uri } » n’est pas une adresse que l’on peut appeler ; écrivez sip:NUMÉRO@HÔTE, par exemple sip:+33199000000@sbc.example.net
probe-host = l’hôte « { $host } » n’a pas d’adresse ; vérifiez son nom, et le DNS de cette machine
probe-sound = le son { $path } ne peut pas être diffusé : { $reason }
probe-codec = « { $name } » n’est pas un codec ; valeurs possibles : { $codecs }
probe-password = mot de passe : { $reason }
probe-header = --header « { $text } » ne s’écrit pas « Nom: valeur »
probe-seconds = --{ $option } doit être entre 0 et 86400 secondes
probe-rate = --rate doit être supérieur à 0, et d’au plus 100000 appels par seconde
probe-busy = l’adresse locale { $address } est prise par un autre programme ; choisissez un autre port avec --local, ou le port 0
probe-local = impossible d’utiliser l’adresse locale { $address } ({ $reason }) ; donnez une adresse de cette machine avec --local
dial-not-answered = non décroché : { $cause }
dial-provisional = { $status } { $phrase }
dial-answered = décroché
dial-agreed = son convenu : { $codec } vers { $remote }, { $events }, { $protection }
dial-events = événements téléphoniques
dial-no-events = sans événements téléphoniques
dial-no-agreement = pas d’accord sur le son : { $reason }
dial-media-started = premier paquet RTP reçu
dial-key = touche { $key } ({ $source })
dial-reoffered = session proposée de nouveau par { $method }
dial-offer-refused = proposition refusée : { $status } { $phrase }
dial-dead = plus aucun RTP ne vient
dial-over = fin : { $origin }{ $detail }
dial-over-remote = par l’autre côté
dial-over-local = par nous
dial-rtp = RTP : { $sent } paquets envoyés, { $received } reçus, { $lost } perdus, gigue { $jitter } ms
dial-keys = touches : { $keys }
digit-in-band = tonalité dans le son
digit-standard = { $name }
failure-status = { $status } { $reason }
failure-remote = terminé par l’autre côté
failure-local = abandonné par nous
failure-ring-timeout = a sonné trop longtemps
failure-timeout = le réseau ne répond pas
failure-transport = envoi impossible
failure-no-port = aucun port RTP libre
failure-stack = { $words }
sdp-too-long = la description de session est trop longue
sdp-malformed = la ligne { $line } de la description de session est mal formée
sdp-no-audio = la description de session n’a pas de son
sdp-refused = l’autre côté a refusé le son
sdp-no-codec = aucun codec commun
sdp-no-address = la description de session n’a pas d’adresse utilisable pour le son
sdp-encryption = le chiffrement est exigé et l’autre côté ne l’accepte pas
sdp-profile = le profil du son n’est pas pris en charge
load-calls = { $placed } appels passés, { $answered } décrochés, au plus { $peak } en même temps
load-failed = {"  "}{ $count } en échec : { $cause }
load-digits = {"  "}{ $count } touches entendues ({ $source })
load-rtp = RTP : { $sent } paquets envoyés, { $received } reçus, { $lost } perdus ({ $share } %), gigue de { $mean } ms en moyenne, { $most } ms au plus
load-time = { $seconds } s, dont { $cpu } s de processeur
load-progress = { $up } en cours, { $answered } décrochés, { $failed } en échec, { $digits } touches, perte { $loss } %, gigue { $jitter } ms, processeur { $cpu } %

## SIP messages
parse-unreadable = { $file } : ne peut pas être lu ({ $reason })
trace-nothing = aucun message : aucun appel de ce nom n’est dans la trace
trace-broken = la trace s’interrompt : { $reason }
trace-unreadable = { $path } ne peut pas être lu : { $reason }
trace-not-running = aucun service ne tourne sur le dossier { $path } ; lancez « tocsin serve », ou lisez une trace enregistrée avec --read
parse-accepted = { $file } : accepté : { $message }
parse-answered = { $file } : répondu { $status } { $reason }{ $headers }
parse-dropped = { $file } : écarté : { $reason }
fault-keep-alive = rien que des fins de ligne, pour garder la liaison ouverte
fault-start-line = la première ligne n’est ni celle d’une requête SIP, ni celle d’une réponse
fault-request-line = la ligne de requête est mal formée
fault-request-uri = l’URI de la requête est mal formée
fault-request-uri-too-long = l’URI de la requête est trop longue
fault-version = cette version de SIP n’est pas prise en charge
fault-status = le code de la réponse est hors limites
fault-uri = une URI est mal formée
fault-header-line = une ligne d’en-tête n’a pas de nom ou pas de deux-points
fault-unfinished = l’en-tête ne se termine pas
fault-missing = { $header } manque
fault-repeated = { $header } est donné plus d’une fois
fault-malformed = { $header } est mal formé
fault-method-mismatch = la méthode de CSeq n’est pas celle de la requête
fault-body-too-short = le corps est plus court que ne le dit Content-Length
fault-no-length = Content-Length manque sur une liaison continue
fault-too-large = le message est trop grand
fault-too-many-headers = le message a trop d’en-têtes
fault-unsupported = non servi : { $status }
fault-body = le corps est mal formé

## The journal
help-journal = Vérifier, sauvegarder ou remettre en place le journal des campagnes
help-journal-verify = Prouver que le journal est complet et intact, et qu’un compte rendu lui appartient
help-journal-verify-backup = Sauvegarde à vérifier à la place du journal
help-journal-verify-report = Compte rendu (JSON) dont chaque chiffre doit venir de ce journal
help-journal-verify-records = Nombre d’enregistrements qu’un compte rendu indique
help-journal-verify-head = Empreinte qu’un compte rendu indique
help-journal-backup = Sauvegarder le journal dans un fichier, que tocsin tourne ou non
help-journal-backup-to = Fichier à écrire
help-journal-restore = Remettre en place le journal d’une sauvegarde
help-journal-restore-from = Fichier de la sauvegarde
help-journal-restore-replace = Remplacer le journal présent, qui est gardé sous un autre nom
journal-whole = le journal est complet et intact : { $records ->
    [0] aucun enregistrement
    [one] { $records } enregistrement
   *[other] { $records } enregistrements
}, empreinte { $head }
journal-belongs = l’empreinte après { $records ->
    [one] { $records } enregistrement
   *[other] { $records } enregistrements
} est bien celle de ce journal
journal-report-good = le compte rendu { $path } dit ce que dit le journal : { $recipients ->
    [one] { $recipients } destinataire
   *[other] { $recipients } destinataires
}, { $attempts ->
    [one] { $attempts } appel
   *[other] { $attempts } appels
}
journal-none = il n’y a pas de journal dans { $path }
journal-file = { $path } : { $reason }
journal-backed-up = le journal est sauvegardé dans { $path }
journal-backup-exists = { $path } existe déjà : une sauvegarde n’en remplace jamais une autre ; donnez un autre nom
journal-restored = le journal est remis en place dans { $path }
journal-forgotten = personnes et campagnes qu’il avait oubliées depuis la sauvegarde, oubliées de nouveau : { $persons }
journal-former = celui qui y était est gardé dans { $path }
journal-exists = il y a un journal dans { $path } ; rien n’est changé. Pour mettre la sauvegarde à sa place, ajoutez --replace : le journal présent est alors gardé sous un autre nom
journal-nobody = le journal est utilisé, et le programme qui l’utilise ne répond pas ({ $reason }) : lancez cette commande sous l’utilisateur du service, ou arrêtez-le
journal-refused = tocsin ne donne pas son journal : { $words }
journal-cut = tocsin s’est arrêté de donner son journal ({ $reason }) ; recommencez, et lisez son journal de service si cela se répète
journal-short = ce journal n’a que { $held ->
    [one] { $held } enregistrement
   *[other] { $held } enregistrements
} ; le compte rendu en indique { $records } : des enregistrements manquent, ou c’est un autre journal
journal-other-head = l’empreinte indiquée après { $records ->
    [one] { $records } enregistrement
   *[other] { $records } enregistrements
} n’est pas celle de ce journal : le compte rendu ou le journal a été changé, ou il vient d’un autre journal
journal-report-json = { $path } n’est pas un compte rendu en JSON
journal-report-unsealed = { $path } n’indique ni la campagne, ni le nombre d’enregistrements, ni l’empreinte du journal : il ne peut pas être vérifié
journal-report-campaign = le journal ne connaît pas la campagne { $campaign }
journal-report-differs = le compte rendu ne dit pas ce que dit le journal : pour « { $what } », il indique { $stated }, et le journal { $told }

## Extracts
config-purpose-extract-name = le nom que voient les opérateurs
config-conflict-extract = donnez « folder » ou « url », un seul des deux : le lieu d’où vient l’extrait
config-conflict-extract-name = deux extraits s’appellent « { $name } »
config-expected-https = attendu : une adresse qui commence par https://
config-expected-no-password = donnez le mot de passe dans « authorization_file » ou « authorization_env », pas dans l’adresse
start-extract-authorities = [[extract]] authorities : { $path } : { $reason } ; donnez un fichier PEM d’autorités de certification
start-extract-no-authorities = aucune autorité de certification n’est connue ; installez le paquet ca-certificates, ou nommez un fichier dans [[extract]] authorities
start-extract-no-certificate = il ne contient aucun certificat lisible
