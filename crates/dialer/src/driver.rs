//! The thread that owns the dialer, and the thread that owns its journal.
//!
//! The dialer's thread never waits for the disk: it hands records over and goes on. The journal's thread takes all that
//! is waiting, appends and flushes it once (group commit), and says up to where records are durable; only then does the
//! dialer's thread give replies and actions away. When the journal fails, its thread keeps the records and tries again
//! until it works: a confirmation is never lost, it only waits.

use crate::journal::Reader;
use crate::{
    Action, Answer, Assumptions, CallReport, Caller, CampaignId, CampaignReport, CampaignState, Command, CommandError,
    Contact, Dialer, Journal, JournalError, LiveView, Message, Messenger, Notice, Now, Outlook, Policy, Prediction,
    Query, Record, Reply, Sequence, Settings, TrunkChange, TrunkIndex,
};
use arc_swap::ArcSwap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::{Duration, Instant};

/// Least time between two views: five a second while something changes.
const VIEW_PERIOD: Duration = Duration::from_millis(200);
/// Least time between two predictions of running campaigns; longer where they take long, so that they take at most a tenth
/// of a core.
const FORECAST_PERIOD: Duration = Duration::from_secs(5);
/// Wait before a journal that failed is tried again.
const JOURNAL_RETRY: Duration = Duration::from_millis(250);
/// Inputs taken before actions and records are looked at.
const GULP: usize = 512;
/// How long a report waits for its records to be durable.
const SEAL_PATIENCE: Duration = Duration::from_secs(5);
/// Records written in one go at most, so that a long backlog does not delay the first reply.
const BATCH: usize = 8_192;

/// Everything that comes in.
enum Input {
    Command(Box<Command>, SyncSender<Result<Reply, CommandError>>),
    Query(Query, SyncSender<Result<Answer, CommandError>>),
    Report(CallReport),
    Trunk(TrunkIndex, TrunkChange),
    Durable(Durable),
    JournalFailed(String),
    Journal(SyncSender<Result<Reader, JournalError>>),
    Forecast(CampaignId, Prediction, Duration),
    Stop(SyncSender<()>),
}

/// News of the journal: what a flush made durable.
struct Durable {
    upto: Sequence,
    head: [u8; 32],
    took: Duration,
}

/// What the journal's thread is given to do.
enum Work {
    Append(Vec<Record>),
    Read(SyncSender<Result<Reader, JournalError>>),
}

/// The way to a running dialer. Cheap to clone; every method may be called from any thread.
#[derive(Clone)]
pub struct Handle {
    inputs: Sender<Input>,
    view: Arc<ArcSwap<LiveView>>,
    settings: Arc<Settings>,
}

impl Handle {
    /// Asks for something and waits until it is done and durable. Blocks: from async code use `spawn_blocking`.
    ///
    /// # Errors
    /// Why nothing was done.
    pub fn command(&self, command: Command) -> Result<Reply, CommandError> {
        let (sender, reply) = mpsc::sync_channel(1);
        self.inputs
            .send(Input::Command(Box::new(command), sender))
            .map_err(|_| CommandError::Stopped)?;
        reply.recv().map_err(|_| CommandError::Stopped)?
    }

    /// Looks something up. Blocks: from async code use `spawn_blocking`.
    ///
    /// # Errors
    /// When it is not there.
    pub fn query(&self, query: Query) -> Result<Answer, CommandError> {
        let (sender, reply) = mpsc::sync_channel(1);
        self.inputs
            .send(Input::Query(query, sender))
            .map_err(|_| CommandError::Stopped)?;
        reply.recv().map_err(|_| CommandError::Stopped)?
    }

    /// The full report of a campaign. Blocks like [`Handle::query`].
    ///
    /// # Errors
    /// When there is no such campaign.
    pub fn campaign_report(&self, campaign: CampaignId) -> Result<CampaignReport, CommandError> {
        match self.query(Query::Report(campaign))? {
            Answer::Report(report) => Ok(*report),
            _ => Err(CommandError::NoCampaign(campaign)),
        }
    }

    /// The newest version of every message of the library. Blocks like [`Handle::query`].
    ///
    /// # Errors
    /// When the dialer has stopped.
    pub fn messages(&self) -> Result<Vec<Message>, CommandError> {
        match self.query(Query::Messages)? {
            Answer::Messages(editions) => Ok(editions.into_iter().map(|edition| edition.message).collect()),
            _ => Ok(Vec::new()),
        }
    }

    /// What calling these people by this policy from now on would lead to, if telephones behave as they did in the
    /// newest campaigns. Computed on the caller's thread; blocks like [`Handle::query`].
    #[must_use]
    pub fn predict(&self, people: &[Contact], policy: &Policy) -> Prediction {
        let assumed = match self.query(Query::Assumptions) {
            Ok(Answer::Assumptions(assumed)) => *assumed,
            _ => Assumptions::default(),
        };
        crate::predict(&self.settings, people, policy, &assumed, Now::read())
    }

    /// What is happening now; refreshed several times a second while something changes. Costs nothing.
    #[must_use]
    pub fn view(&self) -> Arc<LiveView> {
        self.view.load_full()
    }

    /// News of a call. Never blocks.
    pub fn report(&self, report: CallReport) {
        let _ = self.inputs.send(Input::Report(report));
    }

    /// News of a trunk. Never blocks.
    pub fn trunk(&self, trunk: TrunkIndex, change: TrunkChange) {
        let _ = self.inputs.send(Input::Trunk(trunk, change));
    }

    /// The journal as it is durable now, to be read on the caller's thread while the campaigns go on. Blocks while a flush is
    /// under way.
    ///
    /// # Errors
    /// When the journal does not work, or the dialer has stopped.
    pub fn journal(&self) -> Result<Reader, JournalError> {
        let stopped = || JournalError::Store(CommandError::Stopped.to_string());
        let (sender, reader) = mpsc::sync_channel(1);
        self.inputs.send(Input::Journal(sender)).map_err(|_| stopped())?;
        reader.recv().map_err(|_| stopped())?
    }

    /// The head of the hash chain after this many records, by which a report can be checked later; `None` if they are not
    /// durable within a few seconds. Blocks.
    #[must_use]
    pub fn seal(&self, records: u64) -> Option<[u8; 32]> {
        let until = Instant::now() + SEAL_PATIENCE;
        while self.view().journal.durable < records {
            if Instant::now() >= until {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.journal().ok()?.stated_head(records).ok()?
    }

    /// Ends the dialer's threads. Returns when every record is durable and the journal is closed, or at once if the
    /// journal does not work. Calls in progress are not touched.
    pub fn stop(&self) {
        let (sender, stopped) = mpsc::sync_channel(1);
        if self.inputs.send(Input::Stop(sender)).is_ok() {
            let _ = stopped.recv();
        }
    }
}

/// Takes no texts. Without a gateway in the settings none are asked for; if one comes all the same, the watch over
/// attempts without news ends it.
struct Nobody;

impl Messenger for Nobody {
    fn send(&mut self, notice: Notice) {
        tracing::error!(attempt = %notice.attempt, "a text was to be sent, and nothing sends texts");
    }
}

/// Starts the dialer's threads without a way to send texts. The journal must end where the dialer began: a new dialer
/// on an empty journal, or one restored from this journal's records.
///
/// # Errors
/// If the system gives no thread.
pub fn start(dialer: Dialer, journal: Box<dyn Journal>, caller: Box<dyn Caller>) -> std::io::Result<Handle> {
    start_with(dialer, journal, caller, Box::new(Nobody))
}

/// Starts the dialer's threads with somebody who sends texts, over the gateways of the dialer's settings.
///
/// # Errors
/// If the system gives no thread.
pub fn start_with(
    dialer: Dialer,
    journal: Box<dyn Journal>,
    caller: Box<dyn Caller>,
    messenger: Box<dyn Messenger>,
) -> std::io::Result<Handle> {
    let (inputs, received) = mpsc::channel();
    let settings = Arc::new(dialer.settings.clone());
    let view = Arc::new(ArcSwap::from_pointee(dialer.view(Now::read())));
    let (batches, taken) = mpsc::channel();
    let to_dialer = inputs.clone();
    let writer = std::thread::Builder::new().name("journal".into()).spawn(move || {
        Writer {
            journal,
            inputs: to_dialer,
            pending: VecDeque::new(),
        }
        .run(&taken)
    })?;
    let (outlooks, asked) = mpsc::channel();
    let to_dialer = inputs.clone();
    let forecaster = std::thread::Builder::new()
        .name("forecast".into())
        .spawn(move || foretell(&asked, &to_dialer))?;
    let loop_view = Arc::clone(&view);
    std::thread::Builder::new().name("dialer".into()).spawn(move || {
        let mut driver = Driver {
            dialer,
            caller,
            messenger,
            batches,
            view: loop_view,
            viewed: Instant::now(),
            is_changed: true,
            replies: VecDeque::new(),
            outlooks,
            next_forecast: Some(Instant::now()),
            flush_us: 0,
            head: String::new(),
        };
        let stopped = driver.run(&received);
        drop(driver);
        let _ = writer.join();
        let _ = forecaster.join();
        if let Some(stopped) = stopped {
            let _ = stopped.send(());
        }
    })?;
    Ok(Handle { inputs, view, settings })
}

/// A reply that waits for its records.
struct Waiting {
    durable: Sequence,
    /// Needs not wait for a journal that does not work.
    is_urgent: bool,
    reply: Result<Reply, CommandError>,
    sender: SyncSender<Result<Reply, CommandError>>,
}

struct Driver {
    dialer: Dialer,
    caller: Box<dyn Caller>,
    messenger: Box<dyn Messenger>,
    batches: Sender<Work>,
    view: Arc<ArcSwap<LiveView>>,
    viewed: Instant,
    is_changed: bool,
    replies: VecDeque<Waiting>,
    outlooks: Sender<(CampaignId, Outlook)>,
    /// When the next campaign's rest is predicted; `None` while that is under way.
    next_forecast: Option<Instant>,
    flush_us: u64,
    head: String,
}

impl Driver {
    /// Runs until it is told to stop; returns whom to tell that it did.
    fn run(&mut self, inputs: &Receiver<Input>) -> Option<SyncSender<()>> {
        self.prepare_messages();
        loop {
            self.hand_over();
            self.act();
            self.show();
            self.forecast();
            match inputs.recv_timeout(self.wait()) {
                Ok(input) => {
                    self.is_changed = true;
                    if let Some(stopped) = self.take(input) {
                        return Some(stopped);
                    }
                    for input in inputs.try_iter().take(GULP) {
                        if let Some(stopped) = self.take(input) {
                            return Some(stopped);
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            let now = Now::read();
            if self.dialer.poll_timeout().is_some_and(|due| due <= now.monotonic) {
                self.is_changed = true;
                self.dialer.handle_timeout(now);
            }
        }
    }

    /// After a restart: what campaigns still say, and what a new one may say.
    fn prepare_messages(&mut self) {
        let now = Now::read();
        let view = self.dialer.view(now);
        let in_use = view
            .campaigns
            .iter()
            .filter(|campaign| !matches!(campaign.state, CampaignState::Ended | CampaignState::Stopped))
            .map(|campaign| Query::Message(campaign.message, Some(campaign.message_version)));
        for query in in_use.chain([Query::Messages]) {
            if let Ok(Answer::Messages(editions)) = self.dialer.query(now, query) {
                editions
                    .iter()
                    .for_each(|edition| self.caller.prepare(&edition.message));
            }
        }
    }

    fn wait(&self) -> Duration {
        let now = Instant::now();
        let due = self
            .dialer
            .poll_timeout()
            .map_or(Duration::from_secs(1), |due| due.saturating_duration_since(now));
        let view = (self.viewed + VIEW_PERIOD).saturating_duration_since(now);
        if self.is_changed {
            due.min(view)
        } else {
            due.min(Duration::from_secs(1))
        }
    }

    fn take(&mut self, input: Input) -> Option<SyncSender<()>> {
        let now = Now::read();
        match input {
            Input::Command(command, sender) => self.command(now, *command, sender),
            Input::Query(query, sender) => {
                let _ = sender.send(self.dialer.query(now, query));
            }
            Input::Report(report) => self.dialer.handle_report(now, report),
            Input::Trunk(trunk, change) => self.dialer.handle_trunk(now, trunk, change),
            Input::Durable(Durable { upto, head, took }) => {
                self.flush_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                self.head = crate::journal::hex(&head);
                self.dialer.handle_durable(now, upto);
                self.reply(upto);
            }
            Input::JournalFailed(why) => {
                tracing::error!(%why, "the journal cannot be written; no new call is started until it can");
                self.dialer.handle_journal_failure(now, &why);
                let urgent = self.replies.iter_mut().filter(|waiting| waiting.is_urgent);
                urgent.for_each(|waiting| waiting.durable = Sequence(0));
                self.reply(self.dialer.durable());
            }
            Input::Forecast(campaign, prediction, took) => {
                self.dialer.handle_forecast(campaign, &prediction);
                self.next_forecast = Some(Instant::now() + FORECAST_PERIOD.max(took * 10));
            }
            Input::Journal(sender) => {
                let _ = self.batches.send(Work::Read(sender));
            }
            Input::Stop(sender) => {
                self.dialer.handle_stop(now);
                self.hand_over();
                return Some(sender);
            }
        }
        None
    }

    fn command(&mut self, now: Now, command: Command, sender: SyncSender<Result<Reply, CommandError>>) {
        let is_urgent = matches!(command, Command::Pause { .. } | Command::Stop { .. });
        let reply = self.dialer.handle_command(now, command);
        if let Ok(Reply::Message(id, version)) = reply
            && let Ok(Answer::Messages(editions)) = self.dialer.query(now, Query::Message(id, Some(version)))
        {
            editions
                .iter()
                .for_each(|edition| self.caller.prepare(&edition.message));
        }
        // A stop must not wait for a journal that does not work: it is in force, and written down later.
        let durable = if reply.is_err() || self.dialer.alarm().is_some() {
            Sequence(0)
        } else {
            self.dialer.next_sequence()
        };
        self.replies.push_back(Waiting {
            durable,
            is_urgent,
            reply,
            sender,
        });
        self.reply(self.dialer.durable());
    }

    /// Replies to commands that are durable. Who was told that a campaign exists or runs also finds it so in the view.
    fn reply(&mut self, upto: Sequence) {
        if self.replies.iter().any(|waiting| waiting.durable <= upto) {
            self.publish();
        }
        self.replies.retain(|waiting| {
            let is_due = waiting.durable <= upto;
            if is_due {
                let _ = waiting.sender.send(waiting.reply.clone());
            }
            !is_due
        });
    }

    fn hand_over(&mut self) {
        let records: Vec<Record> = std::iter::from_fn(|| self.dialer.poll_record()).collect();
        if !records.is_empty() {
            let _ = self.batches.send(Work::Append(records));
        }
    }

    fn act(&mut self) {
        while let Some(action) = self.dialer.poll_action() {
            match action {
                Action::Place(order) => self.caller.place(order),
                Action::Send(notice) => self.messenger.send(notice),
                Action::Acknowledge(attempt) => self.caller.acknowledge(attempt),
                Action::HangUp(attempt) => self.caller.hang_up(attempt),
                Action::ChangeMessage {
                    attempt,
                    message,
                    version,
                } => {
                    self.caller.change_message(attempt, message, version);
                }
            }
        }
    }

    fn show(&mut self) {
        if self.is_changed && self.viewed.elapsed() >= VIEW_PERIOD {
            self.publish();
        }
    }

    /// Has the end of a running campaign predicted, if it is time.
    fn forecast(&mut self) {
        if self.next_forecast.is_none_or(|due| Instant::now() < due) {
            return;
        }
        match self.dialer.next_forecast(Now::read()) {
            Some(outlook) => {
                self.next_forecast = None;
                let _ = self.outlooks.send(outlook);
            }
            None => self.next_forecast = Some(Instant::now() + VIEW_PERIOD),
        }
    }

    fn publish(&mut self) {
        let mut view = self.dialer.view(Now::read());
        view.journal.flush_us = self.flush_us;
        view.journal.head.clone_from(&self.head);
        // Rates and predictions move by themselves while a campaign runs.
        self.is_changed = view
            .campaigns
            .iter()
            .any(|campaign| campaign.state == CampaignState::Running);
        self.view.store(Arc::new(view));
        self.viewed = Instant::now();
    }
}

/// Predicts the ends of campaigns, away from the dialer's thread.
fn foretell(asked: &Receiver<(CampaignId, Outlook)>, inputs: &Sender<Input>) {
    while let Ok((campaign, outlook)) = asked.recv() {
        let start = Instant::now();
        let prediction = outlook.predict();
        if inputs
            .send(Input::Forecast(campaign, prediction, start.elapsed()))
            .is_err()
        {
            return;
        }
    }
}

/// The journal's thread.
struct Writer {
    journal: Box<dyn Journal>,
    inputs: Sender<Input>,
    pending: VecDeque<Record>,
}

impl Writer {
    fn run(mut self, batches: &Receiver<Work>) {
        while let Ok(work) = batches.recv() {
            self.take(work);
            loop {
                batches.try_iter().for_each(|work| self.take(work));
                if self.pending.is_empty() {
                    break;
                }
                let start = Instant::now();
                match self.write() {
                    Ok(upto) => self.tell(upto, start.elapsed()),
                    Err(error) => {
                        let _ = self.inputs.send(Input::JournalFailed(error.to_string()));
                        if !self.recover(batches, error.to_string()) {
                            return;
                        }
                    }
                }
            }
        }
    }

    fn take(&mut self, work: Work) {
        match work {
            Work::Append(records) => self.pending.extend(records),
            Work::Read(sender) => {
                let _ = sender.send(self.journal.reader());
            }
        }
    }

    fn tell(&self, upto: Sequence, took: Duration) {
        let head = self.journal.head();
        let _ = self.inputs.send(Input::Durable(Durable { upto, head, took }));
    }

    /// Writes some of what is pending. Records leave the queue only when they are durable.
    fn write(&mut self) -> Result<Sequence, JournalError> {
        let count = self.pending.len().min(BATCH);
        let Some(first) = self.pending.front().map(|record| record.sequence) else {
            return Ok(self.journal.next());
        };
        self.journal.append(first, &self.pending.make_contiguous()[..count])?;
        let upto = self.journal.flush()?;
        self.pending.drain(..count);
        Ok(upto)
    }

    /// Waits until the journal works again; false if the program ends before.
    fn recover(&mut self, batches: &Receiver<Work>, mut why: String) -> bool {
        loop {
            match batches.recv_timeout(JOURNAL_RETRY) {
                Ok(work) => self.take(work),
                Err(RecvTimeoutError::Timeout) => {}
                // The program ends with a journal that does not work: what is pending is lost, as in a crash.
                Err(RecvTimeoutError::Disconnected) => return self.journal.recover().is_ok() && self.write().is_ok(),
            }
            let next = match self.journal.recover() {
                Ok(next) => next,
                Err(error) => {
                    let error = error.to_string();
                    if error != why {
                        let _ = self.inputs.send(Input::JournalFailed(error.clone()));
                        why = error;
                    }
                    continue;
                }
            };
            // What was appended before the failure may be there.
            if self.journal.flush().is_err() {
                continue;
            }
            while self.pending.front().is_some_and(|record| record.sequence < next) {
                self.pending.pop_front();
            }
            if self.pending.is_empty() {
                self.tell(next, JOURNAL_RETRY);
            }
            return true;
        }
    }
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
