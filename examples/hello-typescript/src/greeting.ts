export interface Greeting {
  message: string;
  answered_by: string;
}

export function greeting(name: string): string {
  return `${process.env.GREETING ?? "Hello"}, ${name}!`;
}
