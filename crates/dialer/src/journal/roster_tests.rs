use super::*;
use crate::contact::{Absence, absence};
use crate::journal::files::Folder;

const CAMPAIGN: CampaignId = CampaignId(7);

fn people(range: std::ops::Range<u64>) -> Vec<RecipientId> {
    range.map(RecipientId).collect()
}

fn on_disk() -> (tempfile::TempDir, Roster) {
    let home = tempfile::tempdir().unwrap();
    let roster = Roster::on(Folder(home.path().join("members")));
    (home, roster)
}

#[test]
fn who_was_enrolled_is_found_until_they_are_forgotten() {
    let (home, roster) = on_disk();
    let first = roster.enrol(CAMPAIGN, 0, &people(100..150)).unwrap();
    let second = roster.enrol(CAMPAIGN, 50, &people(200..205)).unwrap();
    roster.sync().unwrap();
    let members = |first: u32, count, proof: &Proof| roster.members(CAMPAIGN, first, count, proof).unwrap();
    assert_eq!(members(0, 50, &first), people(100..150));
    assert_eq!(members(50, 5, &second), people(200..205));

    roster.forget(CAMPAIGN, Some(3));
    let mut expected = people(100..150);
    expected[3] = anonymous(3);
    assert_eq!(members(0, 50, &first), expected, "the others are still proved");
    let bytes = std::fs::read(home.path().join("members/7")).unwrap();
    assert!(!bytes.windows(8).any(|window| window == 103u64.to_le_bytes()));

    roster.forget(CAMPAIGN, None);
    assert!(!home.path().join("members/7").exists());
    let left = members(0, 50, &first);
    assert!(left.iter().all(|member| absence(*member) == Some(Absence::Gone)));
}

#[test]
fn a_record_written_again_keeps_its_proof_and_replaces_what_did_not_come_to_be() {
    let (_home, roster) = on_disk();
    let proof = roster.enrol(CAMPAIGN, 0, &people(1..9)).unwrap();
    roster.enrol(CAMPAIGN, 8, &people(50..60)).unwrap();
    assert_eq!(roster.enrol(CAMPAIGN, 0, &people(1..9)).unwrap(), proof);
    assert_eq!(roster.entries(CAMPAIGN).unwrap().len(), 8 * ENTRY);
    let other = roster.enrol(CAMPAIGN, 0, &people(1..5)).unwrap();
    assert_ne!(other, proof);
    assert_eq!(roster.members(CAMPAIGN, 0, 4, &other).unwrap(), people(1..5));
}

#[test]
fn two_lists_of_the_same_people_have_nothing_in_common() {
    let (_home, roster) = on_disk();
    let one = roster.enrol(CampaignId(1), 0, &people(1..9)).unwrap();
    let other = roster.enrol(CampaignId(2), 0, &people(1..9)).unwrap();
    assert_ne!(one, other);
    for at in [1, 2] {
        roster.forget(CampaignId(at), Some(0));
    }
    let erased = |at| roster.entries(CampaignId(at)).unwrap()[4..28].to_vec();
    assert_ne!(erased(1), erased(2));
}

#[test]
fn every_changed_bit_of_a_list_is_noticed() {
    let (home, roster) = on_disk();
    let proof = roster.enrol(CAMPAIGN, 0, &people(1..4)).unwrap();
    roster.forget(CAMPAIGN, Some(1));
    let path = home.path().join("members/7");
    let whole = std::fs::read(&path).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut changed = whole.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &changed).unwrap();
        let members = roster.members(CAMPAIGN, 0, 3, &proof).unwrap();
        let is_noticed = members.iter().any(|member| absence(*member) == Some(Absence::Altered));
        assert!(is_noticed, "bit {bit}");
    }
    // A person put in the place of another, with a right checksum.
    let forged = Entry::Person(RecipientId(9), [1; SALT]).write(CAMPAIGN, 0);
    std::fs::write(&path, [&forged[..], &whole[ENTRY..]].concat()).unwrap();
    let members = roster.members(CAMPAIGN, 0, 3, &proof).unwrap();
    assert!(members.iter().all(|member| absence(*member) == Some(Absence::Altered)));
}
