# Texts in English. Keys are shared with fr.ftl; a test checks it.
## Frame
skip = Skip to content
nav-label = Main navigation
nav-campaigns = Campaigns
nav-calls = Calls in progress
nav-messages = Messages
nav-directory = Directory
nav-users = Users
nav-audit = Audit trail
logout = Log out
other-language = Français
search = Search
save = Save
change = Change
delete = Delete
cancel = Cancel
any = Any
people =
    { $count ->
        [one] { $count } recipient
        *[other] { $count } recipients
    }

## Login
login-title = Log in
login-user = User code
login-password = Password
login-submit = Log in

## What was done
done-message = The message is saved.
done-import = The file is imported.
done-list = The lists are up to date.
done-user = The user is saved.
done-group = The group is saved; its rights apply from now on.

## Dashboard
dashboard-title = Dashboard
dashboard-campaigns = Campaigns
dashboard-none = No campaign yet.
dashboard-trunks = Carrier trunks
dashboard-no-trunk = No trunk is configured.
journal-alarm = The campaign journal cannot be written: no new call is placed.
trunk-up = Up
trunk-down = Down

## States of a campaign
state-ready = Ready
state-running = Running
state-paused = Paused
state-stopped = Stopped
state-ended = Ended

## New campaign
new-campaign = New campaign
campaign-name = Name of the campaign
campaign-message = Message
campaign-write = Write a new message
campaign-text = Spoken text
campaign-text-hint = The text is read by a synthetic voice. Write short sentences. The menu “press 1 to confirm, 2 to listen again” is added automatically.
campaign-list = Recipients
campaign-preset = Mode
campaign-prepare = Prepare the campaign
campaign-launch-now = Launch immediately
campaign-prepare-hint = “Prepare” shows the number of recipients and the predicted duration before the launch. “Launch immediately” calls right away.
preset-immediate = Immediate alert
preset-immediate-hint = As fast as the trunks allow, day and night, quick retries, confirmation asked for.
preset-information = Information
preset-information-hint = In daytime only, few retries, no confirmation.
preset-exercise = Exercise
preset-exercise-hint = Like an alert, with few retries; results are marked “exercise”.
text-language = Language of the voice
language-fr = French
language-en = English
hear = Listen to the message
hear-player = Message player

## Library
messages-none = The library is empty.
message-new = New message
message-title = Title
message-text = Spoken text
message-save = Save in the library
message-saved = Version { $version }, saved on { $at } by { $by }
message-change = Change the message
message-new-text = New text
message-in-progress = Calls in progress take the new message
message-recall = Also call again those who confirmed the old one
message-submit = Broadcast the new message

## Live page
ready-title = Ready to launch
ready-text =
    { $count ->
        [one] One recipient will be called.
        *[other] { $count } recipients will be called.
    }
prediction-half = 50% reached in
prediction-ninety = 90% reached in
prediction-end = Predicted end after
prediction-attempts = Predicted calls
prediction-cost = Predicted cost
levers = Campaign controls
lever-launch = Launch the campaign
lever-pause = Pause
lever-resume = Resume
lever-retry = Call again those who did not confirm
lever-stop = Stop the campaign…
lever-stop-hang-up = Also hang up calls in progress
lever-stop-confirm = Confirm the stop
live-lost = The connection to the server is broken; figures may be old. Trying again.
live-said = %1 confirmed of %2 recipients
live-progress = Progress
live-failed = Not reached
live-calls = Calls
live-attempts = Placed
live-calling = Dialling
live-ringing = Ringing
live-speaking = Speaking
live-rate = Calls per second
live-end = Predicted end
live-curve = Progress since the launch
live-curve-confirmed = Recipients confirmed or informed
live-curve-attempts = Calls placed
live-curve-axis = Time in minutes:seconds
live-message = Message being broadcast
live-facts = Key facts
live-cost = Cost
live-reports = Reports
bar-label = { $done } confirmed of { $all } recipients

## Directory
directory-search = Search a name, a commune, a function, a number
directory-more = Next page
import-title = Import a spreadsheet
import-file = File
import-file-hint = Excel (.xlsx, .xls), LibreOffice (.ods) or CSV. Nothing is changed before you confirm.
import-list = List to make
import-list-hint = Optional: the list of this name will hold exactly the rows of the file.
import-domain = Domain, if the file does not give it
import-look = Read the file
import-preview = Content of “{ $file }”
import-read = Rows read
import-created = To create
import-updated = To update
import-unchanged = Unchanged
import-rejected = Rows left out
import-into = The list “{ $list }” will hold exactly these recipients.
import-apply = Import
import-no-problem = All rows were read without remark.
import-problems =
    { $count ->
        [one] One remark
        *[other] { $count } remarks
    }
import-more-problems = And { $count } more remarks.
import-row-rejected = Left out
import-row-read = Read
lists-title = Distribution lists
list-live = Live
list-delete = Delete the list { $name }
list-new = New list by criteria
list-new-hint = All chosen criteria must hold. The list follows the directory: it updates itself.
list-create = Create the list
zone-arrondissement = Arrondissement
zone-canton = Canton
zone-epci = Intercommunality
recipient-anonymous = Recipient no. { $place } (anonymous)
recipient-erased = Recipient { $id } (erased)

## Users
users-caption = Users
groups-caption = Rights of the groups
groups-hint = A change of rights applies at once, also to open sessions.
group-new = New group
user-new = New user
user-add = Create the user
user-login-hint = Lower-case letters, digits, dot, dash.
user-password-hint = At least 12 characters.
user-disabled = Disabled
user-disable = Disable this account
right-launch = Launch
right-directory = Directory
right-statistics = Statistics
right-administration = Administration

## Audit trail
audit-caption = Operations, newest first
audit-older = Older
audit-done = Done
audit-refused = Refused
operation-login = Login
operation-logout = Logout
operation-password-change = Password change
operation-directory-read = Directory read
operation-directory-preview = File preview
operation-directory-import = File import
operation-directory-undo = Import undone
operation-recipient-create = Recipient created
operation-recipient-change = Recipient changed
operation-recipient-delete = Recipient erased
operation-list-create = List created
operation-list-change = List changed
operation-list-delete = List deleted
operation-list-export = List exported
operation-message-save = Message saved
operation-campaign-create = Campaign created
operation-campaign-launch = Launch
operation-campaign-pause = Pause
operation-campaign-resume = Resume
operation-campaign-stop = Stop
operation-campaign-retry = Unconfirmed called again
operation-campaign-extend = Recipients added
operation-campaign-message = Message changed
operation-calls-read = Look at the calls in progress
operation-report-read = Report read
operation-user-create = User created
operation-user-change = User changed
operation-user-telephone = Telephone codes of a user
operation-telephone-login = Sign-in by telephone
operation-telephone-call-back = Confirmation by calling back
operation-telephone-stranger = Calls of strangers refused
operation-user-delete = User deleted
operation-group-change = Group changed
operation-group-delete = Group deleted
operation-audit-read = Audit trail read

## Columns and facts
column-campaign = Campaign
column-state = State
column-progress = Progress
column-confirmed-count = Confirmed
column-recipients = Recipients
column-launched = Launched
column-launched-by = Launched by
column-created = Created
column-created-by = Created by
column-ended = Ended
column-took = Duration (s)
column-attempts = Calls
column-billed = Billed seconds
column-cost = Cost (€)
column-service = Service
column-made = Report of
column-journal-records = Journal: records
column-journal-head = Journal: head
column-kind = Kind
column-trunk = Trunk
column-channels = Channels in use
column-name = Name
column-function = Function
column-domain = Domain
column-commune = Commune
column-numbers = Numbers
column-number = Number
column-result = Result
column-cause = Last cause
column-tries = Calls
column-confirmed = Confirmed
column-first = First call
column-attempt = Call no.
column-slot = Number rank
column-started = Start
column-finished = End
column-ringing = Ringing (s)
column-talking = Talking (s)
column-status = SIP status
column-version = Message version
column-user = User
column-operation = Operation
column-target = Object
column-number-of = No.
column-when = Date
column-address = Address
column-groups = Groups
column-group = Group
column-change = Change
column-line = Line
column-column = Column
column-value = Value
column-reason = Reason
column-row = Fate of the row

## Results
outcome-confirmed = Confirmed
outcome-informed = Informed
outcome-not-confirmed = Reached, not confirmed
outcome-not-answered = Not answered
outcome-failed = Failed
outcome-no-number = No number
outcome-campaign-over = Campaign over before
outcome-pending = Pending
cause-confirmed = Confirmed
cause-not-confirmed = Heard, not confirmed
cause-hung-up-early = Hung up early
cause-machine = Answering machine
cause-busy = Busy
cause-no-answer = No answer
cause-unreachable = Unreachable
cause-rejected = Rejected
cause-congestion = Congestion
cause-failed = Failed
cause-cancelled = Cancelled
cause-unknown = Unknown

## Reports
report-heading = Campaign report
report-summary = Summary
report-recipients = Recipients
report-attempts = Calls
report-message = Message broadcast
report-results = Results by recipient
report-causes = Calls by cause
report-timeline = Confirmations over time
report-minutes = minutes since the launch
report-total = Total
report-share = Share
report-number = Number
report-page = page

## Reasons of rows left out
reason-empty-row = Empty row
reason-above-header = Text above the headers
reason-number-empty = No number
reason-number-character = A character has no place in a number
reason-number-short = A short number cannot be called
reason-number-too-few = Digits are missing
reason-number-too-many = Too many digits
reason-number-special-rate = Special-rate number
reason-number-country = Wrong country code
reason-number-shortened = The spreadsheet shortened the number; its last digits are lost
reason-too-many-numbers = A recipient has at most three numbers
reason-no-contact = No telephone number and no e-mail address
reason-no-name = No name and no function
reason-duplicate = Same recipient as on line { $line }
reason-unknown-commune = No commune has this name or code
reason-ambiguous-commune = Several communes have this name or postal code
reason-email = Not an e-mail address
reason-language = Not a language (fr, en…)
reason-cell-error = The cell holds an error of the spreadsheet
reason-formula = The formula’s value was not saved; open and save the file in a spreadsheet program
reason-too-long = Text too long, cut
reason-no-header = The value stands under no header

## Refusals
problem-title = The request was not carried out
problem-back = Back to the home page
problem-forbidden-hint = Ask an administrator to change the rights of your group.
problem-not-found = There is nothing at this address.
problem-method-not-allowed = This method is not allowed here.
problem-unauthenticated = Log in: a valid token or session is needed.
problem-forbidden = Your group does not have this right.
problem-foreign-origin = The request comes from another site; it is refused.
problem-form-expired = The form has expired; reload the page and try again.
problem-too-large = What was sent is too large.
problem-bad-body = What was sent cannot be read or is incomplete.
problem-bad-json = The JSON cannot be read: { $reason }
problem-bad-query = A parameter of the address does not fit: { $reason }
problem-timeout = The request took too long.
problem-internal = Internal error; it is noted in the service’s log.
problem-too-many-attempts = Too many attempts; try again in { $seconds } seconds.
problem-bad-credentials = Wrong user code or password.
problem-unknown-user-or-group = This user or group does not exist.
problem-name-taken = This name is taken.
problem-bad-login = A user code has 1 to 64 lower-case letters, digits, dots, dashes.
problem-bad-group-name = The name of a group has 1 to 64 characters.
problem-weak-password = The password must have at least { $least } characters.
problem-phone-codes = A user code has 2 to 12 digits, a secret code 6 to 16.
problem-last-administrator = At least one administrator must remain.
problem-group-in-use = This group still has members.
problem-text-too-long = The text is longer than { $most } characters.
problem-bad-language = This language is not known; write for example fr or en.
problem-bad-name = The name (field { $field }) must have 1 to 200 characters, on one line.
problem-no-list = There is no such list.
problem-no-recipient = There is no such recipient.
problem-no-recipients = Nobody to call: choose a list whose members have a number.
problem-no-campaign = There is no campaign { $id }.
problem-no-message = There is no message { $id }.
problem-empty-message = The message is empty: write a text.
problem-bad-policy = The policy does not fit: { $reason }
problem-bad-selection = The selection does not fit: { $reason }
problem-campaign-state = Campaign { $id } does not allow this in its present state ({ $state }).
problem-journal = The campaign journal cannot be written: { $reason }
problem-stopped = The calling service has stopped.
problem-too-many-numbers = A recipient has at most three numbers.
problem-global-list = The global alert list can be neither changed nor deleted.
problem-changed-meanwhile = Somebody else changed this; read it again before you retry.
problem-no-voice = No voice speaks this language: { $language }
problem-speech = The synthetic voice failed: { $reason }
problem-file-empty = The file is empty.
problem-file-type = This is not a spreadsheet; .xlsx, .xls, .ods and .csv files are accepted.
problem-file-protected = The file is protected by a password; save it without one.
problem-file-damaged = The file is damaged: { $reason }
problem-file-rows = The file has more than { $most } rows.
problem-file-columns = The file has more than { $most } columns.
problem-file-sheet = The file has no sheet “{ $sheet }”.
problem-file-no-number = No column of numbers or e-mail addresses is recognised. Headers found: { $headers }
problem-import-gone = This file is no longer waiting; send it again.
problem-no-import = This import is unknown or too old to be undone.
problem-live-list = This list follows criteria; a file cannot fill it.

## Later additions
done-undo = The import is taken back.
list-export = Export the list { $name } as XLSX
imports-title = Recent imports
import-undo = Undo
import-undo-label = Undo the import of { $file }
import-undo-hint = Undoing an import removes what it created and restores what it changed. +: created, ~: changed.
column-end-cause = Cause

## Metering
nav-metering = Billing
metering-title = Billing of communications
metering-hint = Calls are counted in the month in which they began, at the price in force at that moment. “Unknown end”: calls that the carrier may bill although their length is not known here.
metering-from = From
metering-to = To (included)
metering-show = Show
metering-xlsx = Excel (XLSX), all tables
metering-csv-lines = CSV, by trunk and price
metering-csv-attempts = CSV, call by call
metering-services = By month and service
metering-campaigns = By campaign
metering-lines = By trunk and price
metering-attempts = Call by call
operation-metering-export = Billing export
column-month = Month
column-campaign-name = Name of the campaign
column-answered = Answered
column-parts = SMS parts
column-unmetered = Unknown end
column-cost-micros = Cost (millionths of a €)
column-answered-at = Answered at
column-tariff-prefix = Priced prefix
column-tariff-call = Per call (€)
column-tariff-minute = Per minute (€)
column-tariff-first = First step (s)
column-tariff-step = Next steps (s)
column-tariff-part = Per SMS part (€)
problem-bad-period = Give two dates (YYYY-MM-DD), the first before the second.
problem-period-too-long = The period holds more than { $most } calls; choose a shorter one.

## Calls in progress
calls-title = Calls in progress
calls-none = No call in progress.
calls-more = And %1 other calls.
calls-since = For
phase-calling = Dialling
phase-ringing = Ringing
phase-speaking = Speaking
phase-confirming = Confirmation being recorded
phase-confirmed = Confirmed, thanked
