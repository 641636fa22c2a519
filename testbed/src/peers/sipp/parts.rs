//! Scenario files are written with parts: `<?answer tag="b"?>` stands for the file `parts/answer.xml`, in which `{{tag:far}}` becomes
//! `b`, or `far` where the place that uses the part says nothing. What comes out is an ordinary SIPp scenario.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context, bail, ensure};

/// Parts may use parts, but not themselves.
const DEPTH: usize = 8;

/// Reads a scenario, puts its parts in, and references all its variables once more, since SIPp objects to variables that are used only once.
///
/// # Errors
/// When a file is missing, or a part is used wrongly.
pub fn expand(scenario: &Path, parts: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(scenario).with_context(|| scenario.display().to_string())?;
    let mut expander = Expander { parts, checks: 0 };
    let text = expander
        .expand(&text, &HashMap::new(), 0)
        .with_context(|| scenario.display().to_string())?;
    let end = text.rfind("</scenario>").context("a scenario ends with </scenario>")?;
    let mut variables: Vec<&str> = text
        .split("assign_to=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    variables.sort_unstable();
    variables.dedup();
    let references = if variables.is_empty() {
        String::new()
    } else {
        format!("  <Reference variables=\"{}\"/>\n", variables.join(","))
    };
    Ok(format!("{}{references}{}", &text[..end], &text[end..]))
}

/// What the comment at the head of a scenario file says.
///
/// # Errors
/// When there is no such file or comment.
pub fn story(scenario: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(scenario).with_context(|| scenario.display().to_string())?;
    let comment = text
        .split_once("<!-- ")
        .and_then(|(_, rest)| rest.split_once(" -->"))
        .with_context(|| {
            format!(
                "{} does not begin with a comment that tells its story",
                scenario.display()
            )
        })?;
    Ok(comment.0.to_owned())
}

struct Expander<'a> {
    parts: &'a Path,
    checks: usize,
}

impl Expander<'_> {
    fn expand(&mut self, text: &str, given: &HashMap<String, String>, depth: usize) -> anyhow::Result<String> {
        ensure!(depth < DEPTH, "parts use each other in a circle");
        let mut out = String::new();
        for line in text.split_inclusive('\n') {
            let Some((before, rest)) = line.split_once("<?").filter(|(_, rest)| !rest.starts_with("xml ")) else {
                let filled = self.fill(line, given)?;
                // A line of which nothing is left would end the headers of a message.
                if !filled.trim().is_empty() || line.trim().is_empty() {
                    out.push_str(&filled);
                }
                continue;
            };
            let (order, after) = rest.split_once("?>").context("a part's name is not followed by ?>")?;
            ensure!(
                before.trim().is_empty() && after.trim().is_empty(),
                "a part stands on a line of its own: {line}"
            );
            let (name, attributes) = order.split_once(' ').unwrap_or((order, ""));
            let mut arguments = HashMap::new();
            for (key, value) in pairs(attributes)? {
                arguments.insert(key, self.fill(&value, given)?);
            }
            let file = self.parts.join(format!("{name}.xml"));
            let part = fs::read_to_string(&file).with_context(|| format!("there is no part “{name}”"))?;
            for known in arguments.keys() {
                ensure!(
                    part.contains(&format!("{{{{{known}:")) || part.contains(&format!("{{{{{known}}}}}")),
                    "the part “{name}” has no parameter “{known}”"
                );
            }
            let part = self
                .expand(&part, &arguments, depth + 1)
                .with_context(|| format!("in the part “{name}”"))?;
            for line in part.lines() {
                if !line.is_empty() {
                    out.push_str(before);
                }
                out.push_str(line);
                out.push('\n');
            }
        }
        Ok(out)
    }

    /// Replaces `{{name}}`, `{{name:default}}` and `{{#}}`, which is another number each time.
    fn fill(&mut self, text: &str, given: &HashMap<String, String>) -> anyhow::Result<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (place, after) = after.split_once("}}").context("{{ without }}")?;
            out.push_str(before);
            let (name, default) = match place.split_once(':') {
                Some((name, default)) => (name, Some(default)),
                None => (place, None),
            };
            if name == "#" {
                self.checks += 1;
                out.push_str(&self.checks.to_string());
            } else {
                let value = given.get(name).map(String::as_str).or(default);
                out.push_str(value.with_context(|| format!("the parameter “{name}” is missing"))?);
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// `name="value"` or `name='value'`, any number of them.
fn pairs(text: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').with_context(|| format!("no value in “{rest}”"))?;
        let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            bail!("the value of “{name}” is not quoted");
        };
        let (value, after) = after[1..]
            .split_once(quote)
            .with_context(|| format!("the value of “{name}” has no end"))?;
        pairs.push((name.trim().to_owned(), value.to_owned()));
        rest = after.trim_start();
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn expanded(parts: &[(&str, &str)], scenario: &str) -> anyhow::Result<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in parts {
            fs::write(folder.path().join(format!("{name}.xml")), text).unwrap();
        }
        let file = folder.path().join("scenario");
        fs::write(&file, scenario).unwrap();
        expand(&file, folder.path())
    }

    #[test]
    fn parts_take_their_parameters_and_leave_no_empty_line() {
        let parts = [
            ("final", "<send>\n{{code}}\n{{more:}}\n\n</send>\n"),
            ("busy", "<?final code=\"486\" more=\"{{more:}}\"?>\n"),
            ("check", "<ereg assign_to=\"check{{#}}\"/>\n"),
        ];
        let scenario =
            "<scenario>\n  <?busy?>\n  <?busy more='Reason: \"a\"'?>\n  <?check?>\n  <?check?>\n</scenario>\n";
        let text = expanded(&parts, scenario).unwrap();
        let wanted = "<scenario>\n  <send>\n  486\n\n  </send>\n  <send>\n  486\n  Reason: \"a\"\n\n  </send>\n  \
             <ereg assign_to=\"check1\"/>\n  <ereg assign_to=\"check2\"/>\n  <Reference variables=\"check1,check2\"/>\n</scenario>\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn mistakes_are_told() {
        let parts = [("a", "<?a?>\n"), ("b", "{{x}}\n")];
        for (scenario, complaint) in [
            ("<?c?>\n</scenario>", "no part “c”"),
            ("<?a?>\n</scenario>", "circle"),
            ("<?b?>\n</scenario>", "“x” is missing"),
            ("<?b y=\"1\"?>\n</scenario>", "no parameter “y”"),
            ("<?b x=1?>\n</scenario>", "not quoted"),
        ] {
            let error = format!("{:#}", expanded(&parts, scenario).unwrap_err());
            assert!(error.contains(complaint), "{scenario}: {error}");
        }
    }
}
