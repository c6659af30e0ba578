//! What an example of an event is made of.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use std::collections::BTreeMap;

/// What `sam local generate-event` is asked for.
#[derive(Debug, Args)]
pub(crate) struct GenerateEvent {
    /// The service and its event; without them, what there is.
    #[arg(value_names = ["SERVICE", "EVENT"], num_args = 0..=2)]
    pub(crate) names: Vec<String>,
    /// The region of the event.
    #[arg(long)]
    pub(crate) region: Option<String>,
    #[command(flatten)]
    pub(crate) values: EventValues,
}

/// `--bucket NAME` and the like, and `--set`: what is given of an event's values, by name.
///
/// Every name of every service is a flag, because which event is meant is not known while flags
/// are read. They are not shown: `--generate-event SERVICE` lists those that count.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventValues(pub(crate) BTreeMap<String, String>);

/// `--region` is there without events.
const NOT_OURS: &str = "region";

/// What SAM calls them.
const ALIASES: [(&str, &str); 1] = [("rest-api-id", "restApiId")];

fn id(name: &str) -> String {
    format!("event.{name}")
}

fn names() -> impl Iterator<Item = &'static str> {
    let all = tether_events::flags().iter().copied();
    all.filter(|it| *it != NOT_OURS)
}

impl Args for EventValues {
    fn augment_args(command: Command) -> Command {
        let set = Arg::new(id("set"))
            .long("set")
            .value_name("NAME=VALUE")
            .action(clap::ArgAction::Append)
            .value_parser(name_and_value)
            .help("A value that a generated event is made of, as --NAME VALUE; repeatable");
        names().fold(command.arg(set), |command, name| {
            let alias = ALIASES.iter().find(|(of, _)| *of == name).map(|it| it.1);
            command.arg(
                Arg::new(id(name))
                    .long(name)
                    .alias(alias)
                    .value_name("VALUE")
                    .allow_hyphen_values(true)
                    .hide(true),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for EventValues {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = names().filter_map(|name| {
            let value = matches.get_one::<String>(&id(name))?;
            Some((name.to_owned(), value.clone()))
        });
        let set = matches.get_many::<(String, String)>(&id("set"));
        Ok(Self(
            flags.chain(set.into_iter().flatten().cloned()).collect(),
        ))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or("write it as NAME=VALUE, bucket=photos for example")?;
    Ok((name.to_owned(), value.to_owned()))
}
