// Returns what the context says.

// Milliseconds are not the same twice.
const about = (time) => (time < 0 ? "past" : Math.round(time / 10000));

const dump = (context) => ({
  keys: Object.keys(context),
  json: context,
  types: Object.fromEntries(Object.entries(context).map(([name, it]) => [name, typeof it])),
  remaining: about(context.getRemainingTimeInMillis()),
  trace: process.env._X_AMZN_TRACE_ID ?? null,
});

exports.handler = async (event, context) => dump(context);
