// 6.12 has this function, 6.1 does not.
// absent: error: (.*implicit declaration of function .skb_is_decrypted|.*undeclared function .skb_is_decrypted)
#include <linux/skbuff.h>

int probe(const struct sk_buff *skb);
int probe(const struct sk_buff *skb)
{
	return skb_is_decrypted(skb);
}
