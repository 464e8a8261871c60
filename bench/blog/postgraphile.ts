// What PostGraphile is asked, whose schema has names of its own; aliases give the answers the form of Millrace's.

const columns = 'id: rowId title category published views createdAt';

/** One post by its id. */
export const onePost = `query Post($id: UUID!) {
  post: postByRowId(rowId: $id) { ${columns} }
}`;

/** The front page, with these fields of people beside their ids. */
export const posts = (author: string) => `query Front {
  posts: allPosts(first: 50, orderBy: [CREATED_AT_DESC]) {
    nodes {
      id: rowId title
      author: userByAuthorId { id: rowId ${author} }
      comments: commentsByPostId(first: 3, orderBy: [CREATED_AT_DESC]) {
        nodes { id: rowId body createdAt author: userByAuthorId { id: rowId ${author} } }
      }
    }
  }
}`;

/** Many rows without relations. */
export const flatPosts = `query Export($first: Int!) {
  posts: allPosts(first: $first, orderBy: [CREATED_AT_DESC]) { nodes { ${columns} } }
}`;

/** A page with its total. */
export const filteredPage = `query Page($category: String!, $since: Datetime!) {
  posts: allPosts(
    first: 20
    filter: { category: { equalTo: $category }, createdAt: { greaterThanOrEqualTo: $since } }
    orderBy: [CREATED_AT_DESC]
  ) {
    totalCount
    nodes { id: rowId title category views createdAt }
  }
}`;

/** Sum and greatest number of views, by category. */
export const groups = `query Categories($since: Datetime!) {
  posts: allPosts(filter: { createdAt: { greaterThanOrEqualTo: $since } }) {
    groupedAggregates(groupBy: [CATEGORY]) { keys sum { views } max { views } }
  }
}`;

const author = 'author: userByAuthorId { id: rowId name }';

/** A comment, made. */
export const createComment = `mutation Comment($postId: UUID!, $authorId: UUID!, $body: String!) {
  createComment(input: { comment: { postId: $postId, authorId: $authorId, body: $body } }) {
    comment { id: rowId body createdAt ${author} }
  }
}`;

/** A comment that was made, in the form of Millrace's. */
export const formOfComment = ({ createComment }: { createComment: { comment: object } | null }) => ({
  createComment: createComment?.comment ?? null,
});

/** A post, changed. */
export const updatePost = `mutation Correct($id: UUID!, $title: String!) {
  updatePostByRowId(input: { rowId: $id, postPatch: { title: $title } }) {
    post { ${columns} ${author} }
  }
}`;

/** A post that was changed, in the form of Millrace's. */
export const formOfPost = ({ updatePostByRowId }: { updatePostByRowId: { post: object | null } | null }) => ({
  updatePost: updatePostByRowId?.post ?? null,
});

interface Groups {
  posts: { groupedAggregates: { keys: string[]; sum: object; max: object }[] };
}

/** The groups in the form and order of Millrace's. */
export function formOfGroups({ posts: { groupedAggregates } }: Groups) {
  const rows = groupedAggregates.map(({ keys: [category], sum, max }) => ({ keys: { category: category! }, sum, max }));
  return { postsGroupBy: rows.sort((a, b) => (a.keys.category < b.keys.category ? -1 : 1)) };
}
