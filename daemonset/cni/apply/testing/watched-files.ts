/**
 * The real file system, with a look at each call before it is made; what the look throws happens instead. It is not
 * asked to write anything through to the disk: no test cuts the power, and a busy disk takes 50 ms each time.
 */
import { realFileSystem, type FileSystem } from "../file-system.ts";

export function watchedFiles(before: (method: string, args: readonly unknown[]) => void): FileSystem {
  return new Proxy(realFileSystem, {
    get(target, key): unknown {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== "function") return member;
      return (...args: readonly unknown[]): unknown => {
        before(String(key), args);
        if (key === "fsyncSync") return undefined;
        const result: unknown = Reflect.apply(member, target, [...args]);
        return result;
      };
    },
  });
}

/** An error as the system's own. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made up`), { code });
}

/** As `realFileSystem`, and quick. */
export const quickFiles = watchedFiles(() => {});
