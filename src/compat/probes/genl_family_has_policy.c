// 5.2 and later have this member. Before, each operation has a policy.
// absent: error: .*no member named .policy
#include <net/genetlink.h>

void probe(struct genl_family *family, const struct nla_policy *policy);
void probe(struct genl_family *family, const struct nla_policy *policy)
{
	family->policy = policy;
}
