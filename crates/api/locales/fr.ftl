# Textes en français. Une clé est partagée avec en.ftl ; un test le vérifie.
## Frame
skip = Aller au contenu
nav-label = Navigation principale
nav-campaigns = Campagnes
nav-calls = Appels en cours
nav-messages = Messages
nav-directory = Annuaire
nav-users = Utilisateurs
nav-audit = Journal des opérations
logout = Se déconnecter
other-language = English
search = Rechercher
save = Enregistrer
change = Modifier
delete = Supprimer
cancel = Annuler
any = Indifférent
people =
    { $count ->
        [one] { $count } destinataire
        *[other] { $count } destinataires
    }

## Login
login-title = Connexion
login-user = Code utilisateur
login-password = Mot de passe
login-submit = Se connecter

## What was done
done-message = Le message est enregistré.
done-import = Le fichier est importé.
done-list = Les listes sont à jour.
done-user = L’utilisateur est enregistré.
done-group = Le groupe est enregistré ; ses droits s’appliquent dès maintenant.

## Dashboard
dashboard-title = Tableau de bord
dashboard-campaigns = Campagnes
dashboard-none = Aucune campagne pour le moment.
dashboard-trunks = Lignes de l’opérateur
dashboard-no-trunk = Aucune ligne n’est configurée.
journal-alarm = Le journal des campagnes ne peut pas être écrit : aucun nouvel appel ne part.
trunk-up = En service
trunk-down = Hors service

## States of a campaign
state-ready = Prête
state-running = En cours
state-paused = En pause
state-stopped = Arrêtée
state-ended = Terminée

## New campaign
new-campaign = Nouvelle campagne
campaign-name = Nom de la campagne
campaign-message = Message
campaign-write = Écrire un nouveau message
campaign-text = Texte prononcé
campaign-text-hint = Le texte est lu par une voix de synthèse. Écrivez des phrases courtes. Le menu « tapez 1 pour confirmer, 2 pour réécouter » est ajouté automatiquement.
campaign-list = Destinataires
campaign-preset = Mode de diffusion
campaign-prepare = Préparer la campagne
campaign-launch-now = Lancer immédiatement
campaign-prepare-hint = « Préparer » affiche le nombre de destinataires et la durée prévue avant le lancement. « Lancer immédiatement » appelle tout de suite.
preset-immediate = Alerte immédiate
preset-immediate-hint = Aussi vite que les lignes le permettent, jour et nuit, rappels rapprochés, confirmation demandée.
preset-information = Information
preset-information-hint = En journée seulement, peu de rappels, sans confirmation.
preset-exercise = Exercice
preset-exercise-hint = Comme une alerte, avec peu de rappels ; les résultats sont marqués « exercice ».
text-language = Langue de la voix
language-fr = Français
language-en = Anglais
hear = Écouter le message
hear-player = Lecture du message

## Library
messages-none = La bibliothèque est vide.
message-new = Nouveau message
message-title = Titre
message-text = Texte prononcé
message-save = Enregistrer dans la bibliothèque
message-saved = Version { $version }, enregistrée le { $at } par { $by }
message-change = Modifier le message
message-new-text = Nouveau texte
message-in-progress = Les appels en cours passent au nouveau message
message-recall = Rappeler aussi ceux qui ont confirmé l’ancien
message-submit = Diffuser le nouveau message

## Live page
ready-title = Prête à être lancée
ready-text =
    { $count ->
        [one] Un destinataire sera appelé.
        *[other] { $count } destinataires seront appelés.
    }
prediction-half = 50 % joints en
prediction-ninety = 90 % joints en
prediction-end = Fin prévue après
prediction-attempts = Appels prévus
prediction-cost = Coût prévu
levers = Commandes de la campagne
lever-launch = Lancer la campagne
lever-pause = Mettre en pause
lever-resume = Reprendre
lever-retry = Rappeler les non-confirmés
lever-stop = Arrêter la campagne…
lever-stop-hang-up = Raccrocher aussi les appels en cours
lever-stop-confirm = Confirmer l’arrêt
live-lost = La liaison avec le serveur est interrompue ; les chiffres peuvent être anciens. Nouvelle tentative en cours.
live-said = %1 confirmés sur %2 destinataires
live-progress = Avancement
live-failed = Non joints
live-calls = Appels
live-attempts = Passés
live-calling = En numérotation
live-ringing = En sonnerie
live-speaking = En conversation
live-rate = Appels par seconde
live-end = Fin prévue
live-curve = Évolution depuis le lancement
live-curve-confirmed = Destinataires confirmés ou informés
live-curve-attempts = Appels passés
live-curve-axis = Temps en minutes:secondes
live-message = Message diffusé
live-facts = Repères
live-cost = Coût
live-reports = Comptes rendus
bar-label = { $done } confirmés sur { $all } destinataires

## Directory
directory-search = Rechercher un nom, une commune, une fonction, un numéro
directory-more = Page suivante
import-title = Importer un tableur
import-file = Fichier
import-file-hint = Excel (.xlsx, .xls), LibreOffice (.ods) ou CSV. Rien n’est modifié avant votre confirmation.
import-list = Liste à constituer
import-list-hint = Facultatif : la liste de ce nom contiendra exactement les lignes du fichier.
import-domain = Domaine, si le fichier ne l’indique pas
import-look = Lire le fichier
import-preview = Contenu de « { $file } »
import-read = Lignes lues
import-created = À créer
import-updated = À mettre à jour
import-unchanged = Inchangés
import-rejected = Lignes écartées
import-into = La liste « { $list } » contiendra exactement ces destinataires.
import-apply = Importer
import-no-problem = Toutes les lignes ont été lues sans remarque.
import-problems =
    { $count ->
        [one] Une remarque
        *[other] { $count } remarques
    }
import-more-problems = Et { $count } autres remarques.
import-row-rejected = Écartée
import-row-read = Lue
lists-title = Listes de diffusion
list-live = Dynamique
list-delete = Supprimer la liste { $name }
list-new = Nouvelle liste par critères
list-new-hint = Tous les critères choisis doivent être remplis. La liste suit l’annuaire : elle se met à jour d’elle-même.
list-create = Créer la liste
zone-arrondissement = Arrondissement
zone-canton = Canton
zone-epci = Intercommunalité
recipient-anonymous = Destinataire n° { $place } (anonymisé)
recipient-erased = Destinataire { $id } (effacé)

## Users
users-caption = Utilisateurs
groups-caption = Droits des groupes
groups-hint = Un changement de droits s’applique immédiatement, y compris aux sessions ouvertes.
group-new = Nouveau groupe
user-new = Nouvel utilisateur
user-add = Créer l’utilisateur
user-login-hint = Lettres minuscules, chiffres, point, tiret.
user-password-hint = Au moins 12 caractères.
user-disabled = Désactivé
user-disable = Désactiver ce compte
right-launch = Déclenchement
right-directory = Annuaire
right-statistics = Statistiques
right-administration = Administration

## Audit trail
audit-caption = Opérations, de la plus récente à la plus ancienne
audit-older = Plus anciennes
audit-done = Fait
audit-refused = Refusé
operation-login = Connexion
operation-logout = Déconnexion
operation-password-change = Changement de mot de passe
operation-directory-read = Consultation de l’annuaire
operation-directory-preview = Lecture d’un fichier
operation-directory-import = Import d’un fichier
operation-directory-undo = Annulation d’un import
operation-recipient-create = Création d’un destinataire
operation-recipient-change = Modification d’un destinataire
operation-recipient-delete = Effacement d’un destinataire
operation-list-create = Création d’une liste
operation-list-change = Modification d’une liste
operation-list-delete = Suppression d’une liste
operation-list-export = Export d’une liste
operation-message-save = Enregistrement d’un message
operation-campaign-create = Création d’une campagne
operation-campaign-launch = Lancement
operation-campaign-pause = Mise en pause
operation-campaign-resume = Reprise
operation-campaign-stop = Arrêt
operation-campaign-retry = Rappel des non-confirmés
operation-campaign-extend = Ajout de destinataires
operation-campaign-message = Changement de message
operation-calls-read = Consultation des appels en cours
operation-report-read = Consultation d’un compte rendu
operation-user-create = Création d’un utilisateur
operation-user-change = Modification d’un utilisateur
operation-user-telephone = Codes téléphoniques d’un utilisateur
operation-telephone-login = Connexion par téléphone
operation-telephone-call-back = Confirmation par rappel
operation-telephone-stranger = Appels d’inconnus refusés
operation-user-delete = Suppression d’un utilisateur
operation-group-change = Modification d’un groupe
operation-group-delete = Suppression d’un groupe
operation-audit-read = Consultation du journal

## Columns and facts
column-campaign = Campagne
column-state = État
column-progress = Avancement
column-confirmed-count = Confirmés
column-recipients = Destinataires
column-launched = Lancée le
column-launched-by = Lancée par
column-created = Créée le
column-created-by = Créée par
column-ended = Terminée le
column-took = Durée (s)
column-attempts = Appels
column-billed = Secondes facturées
column-cost = Coût (€)
column-service = Service
column-made = Compte rendu du
column-journal-records = Journal : enregistrements
column-journal-head = Journal : empreinte
column-kind = Nature
column-trunk = Ligne
column-channels = Canaux utilisés
column-name = Nom
column-function = Fonction
column-domain = Domaine
column-commune = Commune
column-numbers = Numéros
column-number = Numéro
column-result = Résultat
column-cause = Dernière cause
column-tries = Appels
column-confirmed = Confirmé le
column-first = Premier appel
column-attempt = N° d’appel
column-slot = Rang du numéro
column-started = Début
column-finished = Fin
column-ringing = Sonnerie (s)
column-talking = Conversation (s)
column-status = Code SIP
column-version = Version du message
column-user = Utilisateur
column-operation = Opération
column-target = Objet
column-number-of = N°
column-when = Date
column-address = Adresse
column-groups = Groupes
column-group = Groupe
column-change = Modification
column-line = Ligne
column-column = Colonne
column-value = Valeur
column-reason = Motif
column-row = Sort de la ligne

## Results
outcome-confirmed = Confirmés
outcome-informed = Informés
outcome-not-confirmed = Joints, non confirmés
outcome-not-answered = Sans réponse
outcome-failed = Échecs
outcome-no-number = Sans numéro
outcome-campaign-over = Campagne terminée avant
outcome-pending = En attente
cause-confirmed = Confirmé
cause-not-confirmed = Entendu, non confirmé
cause-hung-up-early = Raccroché trop tôt
cause-machine = Répondeur
cause-busy = Occupé
cause-no-answer = Sans réponse
cause-unreachable = Numéro injoignable
cause-rejected = Appel refusé
cause-congestion = Encombrement
cause-failed = Échec technique
cause-cancelled = Abandonné
cause-unknown = Fin inconnue

## Reports
report-heading = Compte rendu de campagne
report-summary = Synthèse
report-recipients = Destinataires
report-attempts = Appels
report-message = Message diffusé
report-results = Résultats par destinataire
report-causes = Fins d’appel par cause
report-timeline = Confirmations dans le temps
report-minutes = minutes depuis le lancement
report-total = Total
report-share = Part
report-number = Nombre
report-page = page

## Reasons of rows left out
reason-empty-row = Ligne vide
reason-above-header = Texte au-dessus des en-têtes
reason-number-empty = Numéro absent
reason-number-character = Un caractère n’a pas sa place dans un numéro
reason-number-short = Un numéro court ne peut pas être appelé
reason-number-too-few = Il manque des chiffres au numéro
reason-number-too-many = Le numéro a trop de chiffres
reason-number-special-rate = Numéro surtaxé
reason-number-country = Indicatif de pays incorrect
reason-number-shortened = Le tableur a abrégé le numéro ; ses derniers chiffres sont perdus
reason-too-many-numbers = Un destinataire a trois numéros au plus
reason-no-contact = Ni numéro de téléphone, ni adresse électronique
reason-no-name = Ni nom, ni fonction
reason-duplicate = Même destinataire qu’à la ligne { $line }
reason-unknown-commune = Aucune commune ne porte ce nom ou ce code
reason-ambiguous-commune = Plusieurs communes portent ce nom ou ce code postal
reason-email = Ce n’est pas une adresse électronique
reason-language = Ce n’est pas une langue (fr, en…)
reason-cell-error = La cellule contient une erreur du tableur
reason-formula = La valeur de la formule n’est pas enregistrée ; ouvrez et enregistrez le fichier dans un tableur
reason-too-long = Texte trop long, coupé
reason-no-header = La valeur n’est sous aucun en-tête

## Refusals
problem-title = La demande n’a pas abouti
problem-back = Retour à l’accueil
problem-forbidden-hint = Demandez à un administrateur de modifier les droits de votre groupe.
problem-not-found = Cette adresse n’existe pas.
problem-method-not-allowed = Cette méthode n’est pas permise ici.
problem-unauthenticated = Connectez-vous : il faut un jeton ou une session valide.
problem-forbidden = Votre groupe n’a pas ce droit.
problem-foreign-origin = La demande vient d’un autre site ; elle est refusée.
problem-form-expired = Le formulaire a expiré ; rechargez la page et recommencez.
problem-too-large = Le contenu envoyé est trop volumineux.
problem-bad-body = Le contenu envoyé est illisible ou incomplet.
problem-bad-json = Le JSON ne peut pas être lu : { $reason }
problem-bad-query = Un paramètre de l’adresse ne convient pas : { $reason }
problem-timeout = La demande a pris trop de temps.
problem-internal = Erreur interne ; elle est notée dans le journal du service.
problem-too-many-attempts = Trop d’essais ; recommencez dans { $seconds } secondes.
problem-bad-credentials = Code utilisateur ou mot de passe incorrect.
problem-unknown-user-or-group = Cet utilisateur ou ce groupe n’existe pas.
problem-name-taken = Ce nom est déjà pris.
problem-bad-login = Le code utilisateur compte de 1 à 64 lettres minuscules, chiffres, points, tirets.
problem-bad-group-name = Le nom d’un groupe compte de 1 à 64 caractères.
problem-weak-password = Le mot de passe doit compter au moins { $least } caractères.
problem-phone-codes = Le code d’utilisateur a de 2 à 12 chiffres, le code secret de 6 à 16.
problem-last-administrator = Il doit rester au moins un administrateur.
problem-group-in-use = Ce groupe a encore des membres.
problem-text-too-long = Le texte dépasse { $most } caractères.
problem-bad-language = Cette langue n’est pas reconnue ; écrivez par exemple fr ou en.
problem-bad-name = Le nom (champ { $field }) doit compter de 1 à 200 caractères, sur une ligne.
problem-no-list = Cette liste n’existe pas.
problem-no-recipient = Ce destinataire n’existe pas.
problem-no-recipients = Aucun destinataire à appeler : choisissez une liste dont les membres ont un numéro.
problem-no-campaign = La campagne { $id } n’existe pas.
problem-no-message = Le message { $id } n’existe pas.
problem-empty-message = Le message est vide : écrivez un texte.
problem-bad-policy = Les réglages de diffusion ne conviennent pas : { $reason }
problem-bad-selection = La sélection ne convient pas : { $reason }
problem-campaign-state = La campagne { $id } ne le permet pas dans son état actuel ({ $state }).
problem-journal = Le journal des campagnes ne peut pas être écrit : { $reason }
problem-stopped = Le service d’appel est arrêté.
problem-too-many-numbers = Un destinataire a trois numéros au plus.
problem-global-list = La liste d’alerte globale ne peut être ni modifiée ni supprimée.
problem-changed-meanwhile = Quelqu’un d’autre a modifié cet élément ; relisez-le avant de recommencer.
problem-no-voice = Aucune voix ne parle cette langue : { $language }
problem-speech = La voix de synthèse n’a pas fonctionné : { $reason }
problem-file-empty = Le fichier est vide.
problem-file-type = Ce n’est pas un tableur ; les fichiers .xlsx, .xls, .ods et .csv sont acceptés.
problem-file-protected = Le fichier est protégé par un mot de passe ; enregistrez-le sans protection.
problem-file-damaged = Le fichier est endommagé : { $reason }
problem-file-rows = Le fichier dépasse { $most } lignes.
problem-file-columns = Le fichier dépasse { $most } colonnes.
problem-file-sheet = Le fichier n’a pas de feuille « { $sheet } ».
problem-file-no-number = Aucune colonne de numéros ou d’adresses électroniques n’est reconnue. En-têtes trouvés : { $headers }
problem-import-gone = Ce fichier n’est plus en attente ; envoyez-le de nouveau.
problem-no-import = Cet import est inconnu ou trop ancien pour être annulé.
problem-live-list = Cette liste suit des critères ; un fichier ne peut pas la remplir.

## Later additions
done-undo = L’import est annulé.
list-export = Exporter la liste { $name } en XLSX
imports-title = Imports récents
import-undo = Annuler
import-undo-label = Annuler l’import de { $file }
import-undo-hint = Annuler un import retire ce qu’il a créé et rétablit ce qu’il a modifié. + : créés, ~ : modifiés.
column-end-cause = Cause

## Metering
nav-metering = Facturation
metering-title = Facturation des communications
metering-hint = Les appels sont comptés au mois de leur début, au tarif en vigueur à ce moment. « Fin inconnue » : appels que l’opérateur peut facturer sans que leur durée soit connue ici.
metering-from = Du
metering-to = Au (inclus)
metering-show = Afficher
metering-xlsx = Excel (XLSX), tous les tableaux
metering-csv-lines = CSV, par ligne et tarif
metering-csv-attempts = CSV, appel par appel
metering-services = Par mois et service
metering-campaigns = Par campagne
metering-lines = Par ligne et tarif
metering-attempts = Appel par appel
operation-metering-export = Export de la facturation
column-month = Mois
column-campaign-name = Nom de la campagne
column-answered = Décrochés
column-parts = Parties de SMS
column-unmetered = Fin inconnue
column-cost-micros = Coût (millionièmes d’€)
column-answered-at = Décroché à
column-tariff-prefix = Indicatif tarifé
column-tariff-call = Par appel (€)
column-tariff-minute = Par minute (€)
column-tariff-first = Premier palier (s)
column-tariff-step = Palier suivant (s)
column-tariff-part = Par partie de SMS (€)
problem-bad-period = Indiquez deux dates (AAAA-MM-JJ), la première avant la seconde.
problem-period-too-long = La période compte plus de { $most } appels ; choisissez-en une plus courte.

## Calls in progress
calls-title = Appels en cours
calls-none = Aucun appel en cours.
calls-more = Et %1 autres appels.
calls-since = Depuis
phase-calling = En numérotation
phase-ringing = En sonnerie
phase-speaking = En conversation
phase-confirming = Confirmation en cours d’enregistrement
phase-confirmed = Confirmé, remercié
