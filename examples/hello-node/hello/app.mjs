// Greets whoever the event names.

const ANSWERED_BY = "the deployed code";

export const handler = async (event, context) => {
  const name = event.name ?? "world";
  const greeting = process.env.GREETING ?? "Hi";
  console.log(`greeting ${name}`);
  return {
    message: `${greeting}, ${name}!`,
    answered_by: ANSWERED_BY,
    request_id: context.awsRequestId,
  };
};
