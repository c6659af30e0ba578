import { greeting, type Greeting } from "./greeting.ts";

interface Event {
  name?: string;
}

const ANSWERED_BY = "the deployed code";

export const handler = async (event: Event): Promise<Greeting> => {
  const name = event.name ?? "world";
  console.log("greeting", name);
  return { message: greeting(name), answered_by: ANSWERED_BY };
};
