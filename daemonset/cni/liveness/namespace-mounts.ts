/** Which network namespaces are held by a mount, from /proc/PID/mountinfo. Pure. */

export interface NamespaceMount {
  /** As the node calls it, without links: `/run/netns/cni-...`. */
  readonly path: string;
  /** As in `net:[4026532281]`: what tells namespaces apart. */
  readonly inode: string;
}

/** Lines as in proc(5): id, parent, device, root, mount point, options, optional fields, `-`, type, source, options. */
export function namespaceMounts(mountInfo: string): readonly NamespaceMount[] {
  return mountInfo.split("\n").flatMap((line) => {
    if (!line.includes(" - nsfs ")) return [];
    const [, , , root = "", path = ""] = line.split(" ");
    const inode = /^net:\[(\d+)\]$/.exec(root)?.[1];
    return inode === undefined ? [] : [{ inode, path: unescaped(path) }];
  });
}

/** Space, tab, end of line and backslash are three octal digits after a backslash. */
function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
