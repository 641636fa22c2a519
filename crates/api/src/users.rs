//! Who may do what: users, their groups, the rights of the groups. A change has effect on the next request.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use argon2::password_hash::SaltString;
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::ServeError;
use crate::settings::NamedUser;
use crate::store::{self, StoreError};

/// What a group may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Write messages; create, launch, pause, stop campaigns.
    Launch,
    /// See and change recipients and lists.
    Directory,
    /// See results; download reports.
    Statistics,
    /// Users, groups, audit trail.
    Administration,
}

impl Right {
    /// All of them, in the order of the console.
    pub const ALL: [Right; 4] = [
        Right::Launch,
        Right::Directory,
        Right::Statistics,
        Right::Administration,
    ];

    /// Its name in JSON and in the catalogue.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Right::Launch => "launch",
            Right::Directory => "directory",
            Right::Statistics => "statistics",
            Right::Administration => "administration",
        }
    }
}

/// A group of users and its rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name, unique.
    pub name: String,
    /// What its members may do.
    pub rights: BTreeSet<Right>,
}

/// A user as others may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The code typed at login: lower-case letters, digits, `.`, `-`, `_`.
    pub login: String,
    /// Name for people.
    #[serde(default)]
    pub name: String,
    /// Groups that the user belongs to.
    pub groups: BTreeSet<String>,
    /// A disabled user cannot log in, and open sessions stop at once.
    #[serde(default)]
    pub disabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Account {
    #[serde(flatten)]
    user: User,
    /// Argon2id in PHC form.
    password: String,
    /// The same of the password that the configuration gave last, if it names this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    named: Option<String>,
    /// The groups that the configuration gave last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    named_groups: Option<BTreeSet<String>>,
    /// How the user signs in by telephone, if at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    telephone: Option<PhoneCodes>,
}

/// How a user signs in by telephone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PhoneCodes {
    /// The user code: digits, unique.
    code: String,
    /// Argon2id of the secret code, in PHC form.
    pin: String,
    /// What the configuration gave last: the code, and the same of the secret code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    named: Option<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Book {
    version: u32,
    groups: Vec<Group>,
    accounts: Vec<Account>,
    /// Groups as the configuration gave them last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    named_groups: Vec<Group>,
}

/// Why a change of users was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    #[error("no such user or group")]
    Unknown,
    #[error("the name is taken")]
    Taken,
    #[error("a login has 1 to 64 of a-z, 0-9, '.', '-', '_'")]
    Login,
    #[error("a group's name has 1 to 64 characters")]
    GroupName,
    #[error("a password has at least {MIN_PASSWORD} characters")]
    Password,
    #[error("a user code has 2 to 12 digits, a secret code 6 to 16")]
    PhoneCodes,
    #[error("nobody could administer any more")]
    LastAdministrator,
    #[error("the group still has members")]
    GroupInUse,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Length below which a password is refused, in characters (ANSSI and CNIL advise 12).
pub(crate) const MIN_PASSWORD: usize = 12;
/// Argon2 reads all of it: a bound keeps a login cheap.
const MAX_PASSWORD: usize = 1024;

/// All users and groups, in memory and in `users.json`.
pub(crate) struct Users {
    path: PathBuf,
    book: ArcSwap<Book>,
    /// One change at a time.
    writing: Mutex<()>,
    /// Verified in place of an unknown user's, so that the time of a refusal does not tell who exists.
    decoy: String,
}

impl Users {
    /// Reads the file, or makes it with four groups; adds the users that the configuration names, and `admin` when nobody
    /// could administer. Also returns the password made for `admin`, if one was.
    pub(crate) fn open(
        path: PathBuf,
        admin: Option<&str>,
        groups: &[Group],
        named: &[NamedUser],
    ) -> Result<(Users, Option<String>), ServeError> {
        let mut book = store::read_json::<Book>(&path)?.unwrap_or_else(first_book);
        let before = book.clone();
        for group in groups {
            name_group(&mut book, group);
        }
        for user in named {
            name_user(&mut book, user)?;
        }
        let mut made = None;
        if !book.accounts.iter().any(|account| administers(&book, account)) {
            made = admin.is_none().then(random_password);
            let password = admin.or(made.as_deref()).unwrap_or_default();
            let groups = BTreeSet::from([book.groups.first().map(|group| group.name.clone()).unwrap_or_default()]);
            let user = User {
                login: "admin".into(),
                name: "Administrateur".into(),
                groups,
                disabled: false,
            };
            book.accounts.retain(|account| account.user.login != "admin");
            book.accounts.push(Account {
                user,
                password: hash(password),
                named: None,
                named_groups: None,
                telephone: None,
            });
        }
        if book != before {
            store::replace_json(&path, &book)
                .map_err(|StoreError { path, source }| ServeError::File { path, source })?;
        }
        let decoy = hash(&random_password());
        Ok((
            Users {
                path,
                book: ArcSwap::from_pointee(book),
                writing: Mutex::new(()),
                decoy,
            },
            made,
        ))
    }

    /// Whether the password is the user's. Costs tens of milliseconds of one core: call it where blocking is allowed.
    pub(crate) fn verify(&self, login: &str, password: &str) -> bool {
        let book = self.book.load();
        let account = book
            .accounts
            .iter()
            .find(|account| account.user.login == login && !account.user.disabled);
        let expected = account.map_or(self.decoy.as_str(), |account| account.password.as_str());
        let matches = fits(expected, password);
        matches && account.is_some()
    }

    /// The user with this user code, if the secret code is theirs. Costs as much as [`Users::verify`], also for codes that
    /// nobody has.
    pub(crate) fn by_telephone(&self, code: &str, pin: &str) -> Option<String> {
        let book = self.book.load();
        let account = book.with_code(code).filter(|account| !account.user.disabled);
        let codes = account.and_then(|account| account.telephone.as_ref());
        let matches = fits(codes.map_or(self.decoy.as_str(), |codes| codes.pin.as_str()), pin);
        account.filter(|_| matches).map(|account| account.user.login.clone())
    }

    /// Whose user code this is.
    pub(crate) fn of_code(&self, code: &str) -> Option<String> {
        let book = self.book.load();
        book.with_code(code).map(|account| account.user.login.clone())
    }

    /// The user code with which somebody signs in by telephone.
    pub(crate) fn phone_code(&self, login: &str) -> Option<String> {
        let book = self.book.load();
        let account = book.accounts.iter().find(|account| account.user.login == login)?;
        account.telephone.as_ref().map(|codes| codes.code.clone())
    }

    /// Gives a user codes for the telephone, or takes them away.
    pub(crate) fn set_telephone(&self, login: &str, codes: Option<(&str, &str)>) -> Result<(), UserError> {
        let codes = codes
            .map(|(code, pin)| {
                check_phone_codes(code, pin)?;
                Ok::<_, UserError>(PhoneCodes {
                    code: code.to_owned(),
                    pin: hash(pin),
                    named: None,
                })
            })
            .transpose()?;
        self.change(|book| {
            let taken = codes.as_ref().and_then(|codes| book.with_code(&codes.code));
            if taken.is_some_and(|account| account.user.login != login) {
                return Err(UserError::Taken);
            }
            let account = book.accounts.iter_mut().find(|account| account.user.login == login);
            let account = account.ok_or(UserError::Unknown)?;
            let named = account.telephone.take().and_then(|codes| codes.named);
            account.telephone = codes.map(|codes| PhoneCodes { named, ..codes });
            Ok(())
        })
    }

    /// The rights of a user now; `None` when unknown or disabled.
    pub(crate) fn rights(&self, login: &str) -> Option<BTreeSet<Right>> {
        let book = self.book.load();
        let account = book
            .accounts
            .iter()
            .find(|account| account.user.login == login && !account.user.disabled)?;
        Some(rights_of(&book, &account.user))
    }

    pub(crate) fn list(&self) -> Vec<User> {
        self.book
            .load()
            .accounts
            .iter()
            .map(|account| account.user.clone())
            .collect()
    }

    pub(crate) fn groups(&self) -> Vec<Group> {
        self.book.load().groups.clone()
    }

    /// Adds a user.
    pub(crate) fn create(&self, user: User, password: &str) -> Result<(), UserError> {
        check_login(&user.login)?;
        let password = checked_hash(password)?;
        self.change(|book| {
            if book.accounts.iter().any(|account| account.user.login == user.login) {
                return Err(UserError::Taken);
            }
            book.accounts.push(Account {
                user,
                password,
                named: None,
                named_groups: None,
                telephone: None,
            });
            Ok(())
        })
    }

    /// Changes a user's name, groups or state, and the password if one is given.
    pub(crate) fn update(&self, user: User, password: Option<&str>) -> Result<(), UserError> {
        let password = password.map(checked_hash).transpose()?;
        self.change(|book| {
            let account = book
                .accounts
                .iter_mut()
                .find(|account| account.user.login == user.login);
            let account = account.ok_or(UserError::Unknown)?;
            account.user = user;
            if let Some(password) = password {
                account.password = password;
            }
            Ok(())
        })
    }

    pub(crate) fn delete(&self, login: &str) -> Result<(), UserError> {
        self.change(|book| {
            let before = book.accounts.len();
            book.accounts.retain(|account| account.user.login != login);
            if book.accounts.len() == before {
                Err(UserError::Unknown)
            } else {
                Ok(())
            }
        })
    }

    /// Adds a group, or changes the rights of the group of that name.
    pub(crate) fn put_group(&self, group: Group) -> Result<(), UserError> {
        if group.name.trim().is_empty() || group.name.chars().count() > 64 || group.name.chars().any(char::is_control) {
            return Err(UserError::GroupName);
        }
        self.change(|book| {
            match book.groups.iter_mut().find(|known| known.name == group.name) {
                Some(known) => *known = group,
                None => book.groups.push(group),
            }
            Ok(())
        })
    }

    pub(crate) fn delete_group(&self, name: &str) -> Result<(), UserError> {
        self.change(|book| {
            if book.accounts.iter().any(|account| account.user.groups.contains(name)) {
                return Err(UserError::GroupInUse);
            }
            let before = book.groups.len();
            book.groups.retain(|group| group.name != name);
            if book.groups.len() == before {
                Err(UserError::Unknown)
            } else {
                Ok(())
            }
        })
    }

    /// Applies a change to a copy, checks it, makes it durable, then shows it.
    fn change(&self, edit: impl FnOnce(&mut Book) -> Result<(), UserError>) -> Result<(), UserError> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut book = Book::clone(&self.book.load());
        edit(&mut book)?;
        for account in &book.accounts {
            if account
                .user
                .groups
                .iter()
                .any(|name| !book.groups.iter().any(|group| &group.name == name))
            {
                return Err(UserError::Unknown);
            }
        }
        if !book.accounts.iter().any(|account| administers(&book, account)) {
            return Err(UserError::LastAdministrator);
        }
        store::replace_json(&self.path, &book)?;
        self.book.store(Arc::new(book));
        Ok(())
    }
}

impl Book {
    fn with_code(&self, code: &str) -> Option<&Account> {
        self.accounts
            .iter()
            .find(|account| account.telephone.as_ref().is_some_and(|codes| codes.code == code))
    }
}

/// The telephone codes that the configuration gives, unless they were changed in the console since.
fn name_telephone(book: &mut Book, named: &NamedUser) -> Result<(), ServeError> {
    let Some((code, pin)) = &named.telephone else {
        return Ok(());
    };
    let login = &named.login;
    let is_taken = book.with_code(code).is_some_and(|account| account.user.login != *login);
    if is_taken || check_phone_codes(code, pin).is_err() {
        return Err(ServeError::PhoneCodes(login.clone()));
    }
    let Some(account) = book.accounts.iter_mut().find(|account| account.user.login == *login) else {
        return Ok(());
    };
    let named = account.telephone.as_ref().and_then(|codes| codes.named.as_ref());
    let is_known = named.is_some_and(|(known, hash)| known == code && fits(hash, pin));
    if !is_known {
        let pin = hash(pin);
        account.telephone = Some(PhoneCodes {
            code: code.clone(),
            named: Some((code.clone(), pin.clone())),
            pin,
        });
    }
    Ok(())
}

/// A secret code of six digits and the lock-out leave a guesser about one chance in two thousand a day.
fn check_phone_codes(code: &str, pin: &str) -> Result<(), UserError> {
    let is_number = |text: &str, length: std::ops::RangeInclusive<usize>| {
        length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if is_number(code, 2..=12) && is_number(pin, 6..=16) {
        Ok(())
    } else {
        Err(UserError::PhoneCodes)
    }
}

fn rights_of(book: &Book, user: &User) -> BTreeSet<Right> {
    book.groups
        .iter()
        .filter(|group| user.groups.contains(&group.name))
        .flat_map(|group| group.rights.iter().copied())
        .collect()
}

fn administers(book: &Book, account: &Account) -> bool {
    !account.user.disabled && rights_of(book, &account.user).contains(&Right::Administration)
}

/// Adds a group of the configuration, or gives it the new rights of the file.
fn name_group(book: &mut Book, named: &Group) {
    if book.named_groups.contains(named) {
        return;
    }
    match book.groups.iter_mut().find(|group| group.name == named.name) {
        Some(group) => group.rights.clone_from(&named.rights),
        None => book.groups.push(named.clone()),
    }
    book.named_groups.retain(|group| group.name != named.name);
    book.named_groups.push(named.clone());
}

/// Adds a user of the configuration, or gives the new password and groups of the file.
fn name_user(book: &mut Book, named: &NamedUser) -> Result<(), ServeError> {
    check_login(&named.login).map_err(|_| ServeError::Login(named.login.clone()))?;
    let mut groups = BTreeSet::new();
    for name in &named.groups {
        let alias = match name.as_str() {
            "administration" => GROUPS[0],
            "launch" => GROUPS[1],
            "directory" => GROUPS[2],
            "statistics" => GROUPS[3],
            other => other,
        };
        // A group of that very name comes before the usual one that it may stand for.
        let group = book.groups.iter().find(|group| group.name == *name);
        let group = group.or_else(|| book.groups.iter().find(|group| group.name == alias));
        let group = group.ok_or_else(|| ServeError::NoGroup {
            login: named.login.clone(),
            group: name.clone(),
        })?;
        groups.insert(group.name.clone());
    }
    let account = book
        .accounts
        .iter_mut()
        .find(|account| account.user.login == named.login);
    let Some(account) = account else {
        let password = hash(&named.password);
        let user = User {
            login: named.login.clone(),
            name: named.name.clone(),
            groups: groups.clone(),
            disabled: false,
        };
        book.accounts.push(Account {
            user,
            named: Some(password.clone()),
            named_groups: Some(groups),
            password,
            telephone: None,
        });
        return name_telephone(book, named);
    };
    let is_known = account
        .named
        .as_deref()
        .is_some_and(|known| fits(known, &named.password));
    if !is_known {
        account.password = hash(&named.password);
        account.named = Some(account.password.clone());
    }
    // An account older than this record keeps the groups that the console gave it.
    if account.named_groups.as_ref().is_some_and(|known| *known != groups) {
        account.user.groups.clone_from(&groups);
    }
    account.named_groups = Some(groups);
    name_telephone(book, named)
}

fn fits(hash: &str, password: &str) -> bool {
    password.len() <= MAX_PASSWORD
        && PasswordHash::new(hash)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// The groups of a new house.
const GROUPS: [&str; 4] = ["Administration", "Déclenchement", "Annuaire", "Statistiques"];

fn first_book() -> Book {
    let rights: [&[Right]; 4] = [
        &Right::ALL,
        &[Right::Launch, Right::Statistics],
        &[Right::Directory],
        &[Right::Statistics],
    ];
    let group = |(name, rights): (&str, &[Right])| Group {
        name: name.into(),
        rights: rights.iter().copied().collect(),
    };
    Book {
        version: 1,
        groups: GROUPS.into_iter().zip(rights).map(group).collect(),
        accounts: Vec::new(),
        named_groups: Vec::new(),
    }
}

fn check_login(login: &str) -> Result<(), UserError> {
    let fits = (1..=64).contains(&login.len())
        && login
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b));
    if fits { Ok(()) } else { Err(UserError::Login) }
}

fn checked_hash(password: &str) -> Result<String, UserError> {
    if password.chars().count() < MIN_PASSWORD || password.len() > MAX_PASSWORD {
        return Err(UserError::Password);
    }
    Ok(hash(password))
}

fn hash(password: &str) -> String {
    let mut salt = [0_u8; 16];
    rand::rng().fill_bytes(&mut salt);
    SaltString::encode_b64(&salt)
        .and_then(|salt| {
            Argon2::default()
                .hash_password(password.as_bytes(), &salt)
                .map(|hash| hash.to_string())
        })
        // Only wrong parameters can fail, and these are the defaults; an empty hash matches no password.
        .unwrap_or_default()
}

/// Twenty letters and digits in groups of five, without those that are mistaken for others: about 98 bits.
fn random_password() -> String {
    const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut password = String::new();
    let mut bytes = [0_u8; 1];
    while password.len() < 23 {
        if password.len() % 6 == 5 {
            password.push('-');
        }
        rand::rng().fill_bytes(&mut bytes);
        // 248 is the largest multiple of 31 in a byte: every letter is as likely.
        if bytes[0] < 248 {
            password.push(char::from(LETTERS[usize::from(bytes[0]) % LETTERS.len()]));
        }
    }
    password
}

#[cfg(test)]
#[path = "users_tests.rs"]
mod tests;
