/** Calls of one method that wait until a test lets them go. */
export interface HeldCalls extends Disposable {
  /** Resolves when so many calls wait. */
  reached(count?: number): Promise<void>;
  /** Lets the call that came as this one go on, the first unless said. */
  letGo(index?: number): void;
}

/** Holds every call of a method of a running part, and calls it when it is let go; disposing of it lets all go. */
export function holdCalls<Name extends string>(
  part: { [name in Name]?: (...given: never[]) => Promise<unknown> },
  name: Name,
): HeldCalls {
  const whole = part[name]!;
  const gates: (() => void)[] = [];
  let heard = () => {};
  part[name] = async (...given) => {
    await new Promise<void>((resolve) => {
      gates.push(resolve);
      heard();
    });
    return whole.apply(part, given);
  };
  return {
    async reached(count = 1) {
      while (gates.length < count) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
    letGo: (index = 0) => gates[index]!(),
    [Symbol.dispose]() {
      part[name] = whole;
      for (const go of gates) go();
    },
  };
}
